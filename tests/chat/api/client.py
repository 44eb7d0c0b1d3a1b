"""A program's end of the API, in the process of the test."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User

from chat.accounts.api_keys import create_key
from project.asgi import application
from tests.chat.rows import on_rows

REPLY_SECS = 300  # the longest wait for a message that must come, however busy the machine is


@dataclass
class Reply:
    """The status, headers and body that the application sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, code and field of a refusal, in OpenAI's form."""
        error = self.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        assert error["message"]
        return self.status, error["code"], error["param"]

    def events(self) -> list[Any]:
        """The events of a stream, which has ended as it should."""
        blocks = self.body.decode().split("\n\n")
        assert blocks[-2:] == ["data: [DONE]", ""], blocks[-3:]
        found = []
        for block in blocks[:-2]:
            if not block.startswith(":"):
                kind, data = block.split("\n")
                found.append(json.loads(data.removeprefix("data: ")))
                assert kind == f"event: {found[-1]['type']}"
        return found


class Request(ApplicationCommunicator):
    """One request to the whole application."""

    # asgiref has no types
    send_input: Any = ApplicationCommunicator.send_input
    receive_output: Any = ApplicationCommunicator.receive_output
    receive_nothing: Any = ApplicationCommunicator.receive_nothing
    wait: Any = ApplicationCommunicator.wait
    _connect: Any = ApplicationCommunicator.__init__
    input_queue: Any
    output_queue: Any

    def __init__(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        path, _, query = path.partition("?")
        encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": "",
            "query_string": query.encode(),
            "headers": encoded,
            "client": ["127.0.0.1", 1],
        }
        self._connect(application, scope)
        # as uvicorn's `send` has it, by which an aborted connection ends
        self.output_queue.transport = SimpleNamespace(abort=self._abort)
        self.body = body

    def _abort(self) -> None:
        self.input_queue.put_nowait({"type": "http.disconnect"})

    async def send(self) -> None:
        """Send the request."""
        await self.send_input({"type": "http.request", "body": self.body, "more_body": False})

    async def leave(self) -> None:
        """Close the connection, and wait for what follows."""
        await self.send_input({"type": "http.disconnect"})
        await self.wait(REPLY_SECS)

    async def head(self) -> Reply:
        """The status and headers."""
        start = await self.receive_output(REPLY_SECS)
        assert start["type"] == "http.response.start"
        names = [name.decode() for name, _ in start["headers"]]
        assert len(set(names)) == len(names)
        assert all(name == name.lower() for name in names)
        return Reply(start["status"], {name.decode(): value.decode() for name, value in start["headers"]})

    async def part(self) -> tuple[bytes, bool]:
        """The next part of the body, and whether more follow."""
        message = await self.receive_output(REPLY_SECS)
        assert message["type"] == "http.response.body"
        return message.get("body", b""), message.get("more_body", False)

    async def reply(self) -> Reply:
        """The whole reply."""
        reply, more = await self.head(), True
        while more:
            part, more = await self.part()
            reply.body += part
        await self.wait(REPLY_SECS)
        return reply


@dataclass
class Program:
    """Sends requests with a key."""

    key: str

    @classmethod
    async def of(cls, owner: User) -> "Program":
        _, text = await on_rows(create_key, owner, "test")
        return cls(text)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Request:
        """A request; `body`: bytes, or JSON."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.key}", "content_type": "application/json"} | headers
        return Request(method, f"/v1/{path}", content, sent)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """The whole reply to a request."""
        request = self.request(method, path, body, **headers)
        await request.send()
        return await request.reply()
