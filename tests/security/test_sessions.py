"""No socket outlives its session by more than 5 s, whatever ended it, even if no notification arrives."""

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from yarl import URL

from chat.protocol.errors import SIGNED_OUT
from project.up import valkey
from tests.harness.processes import free_port, run
from tests.harness.stack import Stack
from tests.harness.waiting import await_until, deadline, patience

MOST_SECS = 5
PROMPT = "[words-3000@5]"  # longer than any wait
COMMANDS = {
    "/ws/responses/": {"type": "response.create", "input": PROMPT},
    "/ws/openai/": {"message": PROMPT},
}
SHELL = """
import json, time
from datetime import timedelta
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
"""
MAKE = """
found = {}
for name in %s:
    client = Client()
    client.force_login(User.objects.create_user(name))  # without a password, which takes long to hash
    found[name] = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"
print(json.dumps(found))
"""
END = """
times = {}
for name, (key, way) in %s.items():
    user = User.objects.get(username=name)
    exec(way)
    times[name] = time.time()
print(json.dumps(times))
"""
WAYS = {  # by code that cannot notify
    "expired": "Session.objects.filter(pk=key).update(expire_date=timezone.now())",
    "will expire": "Session.objects.filter(pk=key).update(expire_date=timezone.now() + timedelta(seconds=1))",
    "session deleted": "Session.objects.filter(pk=key).delete()",
    "user deleted": "user.delete()",
    "users deleted": "User.objects.filter(pk=user.pk).delete()",
    "deactivated": "user.is_active = False; user.save()",
    "deactivated by update": "User.objects.filter(pk=user.pk).update(is_active=False)",
    "password saved": "user.set_unusable_password(); user.save()",
    "password by update": "User.objects.filter(pk=user.pk).update(password='!')",
}
SIGNED_OUT_BY_PAGE, STAYS = "signed out", "stays"


@dataclass
class Reader:
    """One socket that only reads an answer."""

    name: str
    path: str
    socket: ClientConnection
    last_text_at: float = 0.0
    code: int | None = None
    reading: asyncio.Task[None] = field(init=False)

    async def begin(self) -> None:
        """Ask, and read from the first text on."""
        await self.socket.send(json.dumps(COMMANDS[self.path]))
        self.reading = asyncio.create_task(self._read())
        await await_until(lambda: self.last_text_at > 0, 30, f"{self.name} reads on {self.path}")

    async def _read(self) -> None:
        try:
            async for frame in self.socket:
                event = json.loads(frame)
                if "delta" in event or "message" in event:
                    self.last_text_at = time.time()
        except ConnectionClosed:
            pass
        self.code = self.socket.close_code


def shell(stack: Stack, code: str, **env: str) -> dict[str, str]:
    """Run code in Django's shell, and return the JSON that it prints."""
    arguments = (sys.executable, "manage.py", "shell", "-v0", "-c", SHELL + code)
    found: dict[str, str] = json.loads(run(*arguments, env=stack.env | env))
    return found


async def sign_out(stack: Stack, cookie: str) -> float:
    """Sign out as the page does; returns the time."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        name, _, value = cookie.partition("=")
        http.cookie_jar.update_cookies({name: value}, URL(stack.url))
        async with http.get(stack.url) as page:
            token = re.search(r'name="csrf-token" content="(\w+)"', await page.text())
        assert token is not None
        headers = {"X-CSRFToken": token[1], "Referer": stack.url}
        async with http.post(f"{stack.url}/accounts/logout/", headers=headers) as reply:
            assert reply.status == 200
    return time.time()


async def test_every_way_to_end_a_session_closes_both_sockets(stack: Stack) -> None:
    names = [*WAYS, SIGNED_OUT_BY_PAGE, STAYS]
    cookies = await asyncio.to_thread(shell, stack, MAKE % names)
    readers = []
    for name in names:
        for path in COMMANDS:
            address, header = stack.url.replace("http", "ws", 1) + path, {"Cookie": cookies[name]}
            opening = connect(address, additional_headers=header, open_timeout=deadline(), ping_timeout=None)
            readers.append(Reader(name, path, await opening))
    await asyncio.gather(*(reader.begin() for reader in readers))

    ways = {name: (cookies[name].partition("=")[2], way) for name, way in WAYS.items()}
    unreachable = valkey.url(free_port())
    times = await asyncio.to_thread(shell, stack, END % ways, REDIS_URL=unreachable)
    ended_at = {name: float(at) for name, at in times.items()}
    ended_at[SIGNED_OUT_BY_PAGE] = await sign_out(stack, cookies[SIGNED_OUT_BY_PAGE])
    ended_at["will expire"] += 1

    async with asyncio.timeout(deadline(MOST_SECS)):
        await asyncio.gather(*(reader.reading for reader in readers if reader.name != STAYS))
    for reader in readers:
        if reader.name != STAYS:
            late = reader.last_text_at - ended_at[reader.name]
            print(f"{reader.name:22} {reader.path:15} last text {late:+.1f} s, closed with {reader.code}")
            assert reader.code == SIGNED_OUT
            assert late < MOST_SECS * patience(), (reader.name, reader.path)
    now, staying = time.time(), [reader for reader in readers if reader.name == STAYS]
    await await_until(lambda: all(reader.last_text_at > now for reader in staying), 30, "others read on")
    for reader in staying:
        await reader.socket.close()
