"""One HTTP request over ASGI, and its reply."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from chat.api.cors import headers_for
from chat.api.pages import last_value
from chat.conf import conf
from chat.key_models import ApiKey
from chat.protocol.commands import json_object
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.structure import refuse_unknown
from chat.streaming.backpressure import Receive, Send
from chat.streaming.http_connection import HttpConnection

MAX_QUERY_FIELDS = 50
KEY_HEADER = "idempotency-key"
JSON_TYPE = "application/json"
EVENTS_TYPE = "text/event-stream; charset=utf-8"
# `no-transform`: a proxy that compresses would hold events back; nginx's own buffer, too
EVENTS_HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}

FLAGS = {"true": True, "false": False}

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class ClientLeftError(Exception):
    """The client left before its request was read."""


class Exchange:
    """A request and its reply.

    `arguments`: of the path; `query`: as `parse_qs`; `headers`: by lower-case names; `key`: the API key, once
    the endpoint has found it. `reply_headers`: of any reply; a handler may add to them. `on_left`: called if
    the client has left before the end of its reply, after the handler was cancelled. `scope["release"]`:
    drops the server's copy of the body, where there is one.
    """

    key: ApiKey
    on_left: Callable[[], Awaitable[None]] | None = None

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.arguments: dict[str, Any] = scope["url_route"]["kwargs"]
        self.raw_headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        self.headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in self.raw_headers}
        self.request_id = f"req_{secrets.token_hex(16)}"
        self.has_begun = False  # to reply
        self.body = b""
        self.reply_headers = {"x-request-id": self.request_id, "x-content-type-options": "nosniff"}
        self.reply_headers |= headers_for(self.headers, conf.API_ORIGINS)
        self.connection = HttpConnection(scope, receive, send)
        self._query_string: bytes = scope["query_string"]
        self._receive = receive
        self._release: Callable[[], None] = scope.get("release", _nothing)

    @property
    def owner(self) -> Any:
        """The user whose key it is."""
        return self.key.owner

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name; a list is `include[]` or `include`. Raises CommandError."""
        text = self._query_string.decode("latin-1")
        try:
            fields = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
        except ValueError:
            raise CommandError("invalid_field", "query") from None
        return {name.removesuffix("[]"): values for name, values in fields.items()}

    def require_query(self, *names: str) -> None:
        """Raise CommandError for another name in the query."""
        refuse_unknown(names, self.query)

    def value(self, name: str) -> str:
        """The last value of a name in the query; empty: none."""
        return last_value(self.query, name)

    def flag(self, name: str) -> bool:
        """A boolean of the query; absent: False. Raises CommandError."""
        text = self.value(name)
        if text not in ("", *FLAGS):
            raise CommandError("invalid_field", name)
        return FLAGS.get(text, False)

    async def read(self, most_bytes: int) -> None:
        """Read the body. Raises CommandError beyond `most_bytes`, and ClientLeftError."""
        parts, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeftError
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > most_bytes:
                self.reply_headers["connection"] = "close"
                raise CommandError("frame_too_large")
            parts.append(part)
        self.body = b"".join(parts)

    def json(self) -> JSON:
        """The body, once, as a JSON object; an empty one has no fields. Raises CommandError."""
        body, self.body = self.body, b""  # a reply may take hours
        self._release()
        if not body:
            return {}
        try:
            return json_object(body.decode(), conf.API_BODY_BYTES)
        except UnicodeDecodeError:
            raise CommandError("invalid_json") from None

    async def reply(self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send JSON."""
        await self.reply_bytes(_dumps(body).encode(errors="replace"), JSON_TYPE, status, headers)

    async def reply_bytes(
        self, content: bytes, content_type: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole body."""
        own = {"content-type": content_type, "content-length": str(len(content)), "cache-control": "no-store"}
        await self._reply(status, own | dict(headers or {}), content)

    async def reply_empty(self, headers: Mapping[str, str]) -> None:
        """Send a status without a body."""
        await self._reply(204, dict(headers), b"")

    async def open_stream(
        self, content_type: str = EVENTS_TYPE, headers: Mapping[str, str] = EVENTS_HEADERS
    ) -> HttpConnection:
        """Begin a body of unknown length, of events by default; `end` of the connection completes it."""
        self.has_begun = True
        await self.connection.open(200, self._encoded({"content-type": content_type} | dict(headers)))
        return self.connection

    async def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.has_begun = True
        await self.connection.reply(status, self._encoded(headers), body)

    def _encoded(self, headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
        found = (self.reply_headers | headers).items()
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found]


def _nothing() -> None:
    """Release nothing: the server keeps no copy."""
