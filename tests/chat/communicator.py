"""A client's end of a socket."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from chat.conf import conf
from chat.protocol.errors import SIGNED_OUT
from chat.transport import redis_client
from chat.transport.notifications import owner_group
from project.asgi import application
from tests.chat.rows import on_rows
from tests.harness.waiting import await_until

T = TypeVar("T")
Frame = dict[str, Any]
CHANGE = '{"type":"tailrace:conversation"'
PATH = "/ws/responses/"
FRAME_SECS = 300  # the longest wait for a frame that must come, however busy the machine is


class Socket(WebsocketCommunicator):
    """A socket, to the whole application unless it is another.

    `frame` leaves out changes of the list, which may come at any moment: `change` returns those.
    """

    def __init__(self, path: str = PATH, application: Any = application, **headers: str) -> None:
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        super().__init__(application, path, headers=sent)
        self.changes: list[Frame] = []

    # those of Channels stop the closing of database connections meanwhile: threads would keep theirs
    send_input: Any = ApplicationCommunicator.send_input
    receive_output: Any = ApplicationCommunicator.receive_output

    async def send_command(self, kind: str, **fields: Any) -> None:
        """Send a command."""
        await self.send_json_to({"type": kind} | fields)

    async def text(self) -> str:
        """The next frame as it came."""
        text = str(await self.receive_from(FRAME_SECS))
        while text.startswith(CHANGE):
            self.changes.append(json.loads(text))
            text = str(await self.receive_from(FRAME_SECS))
        return text

    async def frame(self) -> Frame:
        """The next frame."""
        return dict(json.loads(await self.text()))

    async def change(self) -> Frame:
        """The next change of the list; no other frame may come before it."""
        if not self.changes:
            text = str(await self.receive_from(FRAME_SECS))
            assert text.startswith(CHANGE), text
            self.changes.append(json.loads(text))
        return self.changes.pop(0)

    async def until(self, kind: str) -> list[Frame]:
        """All frames up to and with the next one of a type."""
        frames = [await self.frame()]
        while frames[-1]["type"] != kind:
            frames.append(await self.frame())
        return frames

    async def refusal(self) -> tuple[int, str, str | None]:
        """Status, code and field of the next frame, which is an error."""
        frame = await self.frame()
        assert frame["type"] == "error", frame
        return frame["status"], frame["error"]["code"], frame["error"]["param"]


def session_of(user: User) -> str:
    """The cookie of a signed-in user."""
    client = Client()
    client.force_login(user)
    return cookie_of(client)


def scope_of(user: User) -> dict[str, Any]:
    """The scope of a socket that the user opened with a session."""
    client = Client()
    client.force_login(user)
    return {"user": user, "session": client.session}


def cookie_of(client: Client) -> str:
    """The cookie that a browser sends."""
    return client.cookies[settings.SESSION_COOKIE_NAME].OutputString()


@asynccontextmanager
async def opened(user: User | None, path: str = PATH) -> AsyncIterator[Socket]:
    """An accepted socket of a user, or without a session."""
    headers = {"cookie": await on_rows(session_of, user)} if user else {}
    async with connected(Socket(path, **headers)) as socket:
        yield socket


@asynccontextmanager
async def connected(socket: Socket) -> AsyncIterator[Socket]:
    """The socket, once it was accepted."""
    accepted, _ = await socket.connect(FRAME_SECS)
    assert accepted
    yield socket
    await socket.disconnect(timeout=FRAME_SECS)


async def eventually(condition: Callable[[], T]) -> T:
    """The first true value of the condition, which may ask the database."""
    return await await_until(lambda: on_rows(condition), 5, "the condition holds")


async def joined(user: User) -> None:
    """Wait until a socket of the user's is in the user's group."""

    async def subscribers() -> int:
        group = f"{conf.PREFIX}__group__{owner_group(user.pk)}"
        ((_, count),) = await redis_client.client().pubsub_numsub(group)
        return int(count)

    await await_until(subscribers, 5, "the group of the owner is subscribed")


async def assert_signed_out(socket: Socket) -> None:
    """The socket gets an error that its session has ended, and is closed."""
    assert await socket.refusal() == (401, "unauthenticated", None)
    assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": SIGNED_OUT}
