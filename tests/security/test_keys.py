"""No stream or socket outlives its API key by more than 5 s; no part shows the text of a key."""

import asyncio
import json
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from project.up import valkey
from tests.harness.processes import free_port, run
from tests.harness.stack import Stack
from tests.harness.waiting import await_until, deadline, end_tasks, patience

MOST_SECS = 5
MODEL, PROMPT = "scripted", "[words-3000@5]"  # longer than any wait
BODY = {"model": MODEL, "input": PROMPT, "store": False}
HTTP, SOCKET = "HTTP", "socket"
SHELL = """
import json, time
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from chat.accounts.api_keys import create_key, revoke_key
from chat.key_models import ApiKey
"""
MAKE = """
made = {name: create_key(User.objects.create_user(f"key {name}"), name) for name in %s}
print(json.dumps({name: [str(key.pk), text] for name, (key, text) in made.items()}))
"""
END = """
times = {}
for name, way in %s.items():
    key = ApiKey.objects.get(name=name)
    row, user = ApiKey.objects.filter(pk=key.pk), User.objects.filter(pk=key.owner_id)
    times[name] = time.time()
    exec(way)
print(json.dumps(times))
"""
WAYS = {  # by code that cannot notify
    "revoked": "revoke_key(key)",
    "revoked by update": "row.update(revoked_at=timezone.now())",
    "expired": "row.update(expires_at=timezone.now())",
    "will expire": "row.update(expires_at=timezone.now() + timedelta(seconds=1))",
    "deleted": "row.delete()",
    "owner deleted": "user.delete()",
    "owner deactivated": "user.update(is_active=False)",
}
COMMAND, STAYS, CANARY = "revoked by the command", "stays", "canary"
NAMES = [*WAYS, COMMAND, STAYS, CANARY]


def shell(stack: Stack, code: str, **env: str) -> dict[str, Any]:
    """Run code in Django's shell, and return the JSON that it prints."""
    arguments = (sys.executable, "manage.py", "shell", "-v0", "-c", SHELL + code)
    found: dict[str, Any] = json.loads(run(*arguments, env=stack.env | env))
    return found


@pytest.fixture(scope="module")
def made(stack: Stack) -> dict[str, list[str]]:
    """The id and the text of a key for each name."""
    return shell(stack, MAKE % NAMES)


def header(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@dataclass
class Reader:
    """One request or socket that only reads an answer."""

    name: str
    kind: str
    stack: Stack
    headers: dict[str, str]
    last_text_at: float = 0.0
    reading: asyncio.Task[None] = field(init=False)

    async def begin(self) -> None:
        """Ask, and read from the first text on."""
        self.reading = asyncio.create_task(self._stream() if self.kind == HTTP else self._socket())
        await await_until(lambda: self.last_text_at > 0 or self.reading.done(), 30, f"{self.name} reads")
        assert not self.reading.done(), (self.name, self.kind, self.reading)

    async def _stream(self) -> None:
        async with aiohttp.ClientSession(headers=self.headers) as http:
            request = http.post(f"{self.stack.url}/v1/responses", json=BODY | {"stream": True})
            with suppress(aiohttp.ClientPayloadError):  # cut off
                async with request as reply:
                    async for line in reply.content:
                        self._see(line)

    async def _socket(self) -> None:
        address = f"{self.stack.url.replace('http', 'ws', 1)}/v1/responses"
        opening = connect(
            address, additional_headers=self.headers, open_timeout=deadline(), ping_timeout=None
        )
        async with opening as socket:
            await socket.send(json.dumps({"type": "response.create", **BODY}))
            with suppress(ConnectionClosed):
                async for frame in socket:
                    self._see(frame)

    def _see(self, text: str | bytes) -> None:
        if "output_text.delta" in str(text):
            self.last_text_at = time.time()


async def status(stack: Stack, headers: dict[str, str]) -> int:
    """The status of a new request."""
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{stack.url}/v1/models") as reply:
        return reply.status


async def test_every_way_to_end_a_key_ends_its_streams_and_sockets(
    stack: Stack, made: dict[str, list[str]]
) -> None:
    names = [name for name in NAMES if name != CANARY]
    headers = {name: header(made[name][1]) for name in names}
    readers = [Reader(name, kind, stack, headers[name]) for name in names for kind in (HTTP, SOCKET)]
    await asyncio.gather(*(reader.begin() for reader in readers))

    unreachable = valkey.url(free_port())
    times = await asyncio.to_thread(shell, stack, END % WAYS, REDIS_URL=unreachable)
    ended_at = {name: float(at) for name, at in times.items()}
    ended_at["will expire"] += 1
    ended_at[COMMAND] = time.time()
    await asyncio.to_thread(stack.run, "manage.py", "key", "revoke", made[COMMAND][0])

    async with asyncio.timeout(deadline(MOST_SECS)):
        await asyncio.gather(*(reader.reading for reader in readers if reader.name != STAYS))
    for reader in readers:
        if reader.name != STAYS:
            late = reader.last_text_at - ended_at[reader.name]
            print(f"{reader.name:24} {reader.kind:8} last text {late:+.1f} s")
            assert late < MOST_SECS * patience(), (reader.name, reader.kind)
    assert [await status(stack, headers[name]) for name in names] == [401] * (len(names) - 1) + [200]
    now, staying = time.time(), [reader for reader in readers if reader.name == STAYS]
    await await_until(lambda: all(reader.last_text_at > now for reader in staying), 30, "others read on")
    await end_tasks([reader.reading for reader in staying])


@contextmanager
def monitored(stack: Stack) -> Iterator[list[str]]:
    """The commands that Redis gets meanwhile."""
    found: list[str] = []
    last = f"the last command {time.time()}"
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as client, client.monitor() as monitor:

        def listen() -> None:
            for command in monitor.listen():
                found.append(command["command"])
                if last in command["command"]:
                    return

        listening = threading.Thread(target=listen)
        listening.start()
        yield found
        stack.redis("ECHO", last)
        listening.join()


async def test_no_log_row_redis_command_or_page_of_flower_has_the_text_of_a_key(
    stack: Stack, flower: str, made: dict[str, list[str]]
) -> None:
    text = made[CANARY][1]
    with monitored(stack) as commands:
        readers = [Reader(CANARY, kind, stack, header(text)) for kind in (HTTP, SOCKET)]
        await asyncio.gather(*(reader.begin() for reader in readers))
        assert await status(stack, header(f"x{text}")) == 401
        await end_tasks([reader.reading for reader in readers])
    assert any("XADD" in command or "EVALSHA" in command for command in commands), "it has seen the answers"
    assert [command for command in commands if text in command] == []
    assert [part for part, process in stack.processes.items() if text in process.output()] == []
    assert files_with(stack, CANARY), "the database is among them"
    assert files_with(stack, text) == []
    assert [path for path in ("/tasks", "/api/tasks", "/broker", "/") if text in page(flower, path)] == []


def files_with(stack: Stack, text: str) -> list[str]:
    """The files in the directory of the system that have a text."""
    files = filter(Path.is_file, stack.directory.rglob("*"))
    return [path.name for path in files if text.encode() in path.read_bytes()]


def page(flower: str, path: str) -> str:
    with urllib.request.urlopen(flower + path) as reply:
        return str(reply.read().decode())
