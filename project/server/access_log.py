"""The access log: a line for each request and socket, without queries, which may be searches; unforgeable."""

import logging
import re
import time
from typing import Any
from urllib.parse import quote

from chat.streaming.backpressure import Application, Message, Receive, Send

MAX_PATH_CHARS = 200
MAX_MESSAGE_CHARS = 300
PLAIN = "/:@!$&'()*+,;=~"  # in a path, beside letters, digits and -._
SERVER_ERROR = 500
TOKEN = re.compile("(/shared/)[^/]+")  # of a link: who has it reads the conversation
PROBES = ("/healthz", "/readyz")

logger = logging.getLogger("tailrace.access")


class AccessLog:
    """Log each request when it ends, each socket when it opens and ends."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if not logger.isEnabledFor(logging.INFO) or scope["path"] in PROBES:
            await self._application(scope, receive, send)
            return
        entry = _Entry(scope)

        async def noting(message: Message) -> None:
            entry.note(message)
            await send(message)

        try:
            await self._application(scope, receive, noting)
        finally:
            entry.end()


class _Entry:
    """A request or a socket."""

    def __init__(self, scope: dict[str, Any]) -> None:
        client = (scope.get("client") or ["-"])[0]
        self._method = quote(scope.get("method", "WS"), safe="")
        path = TOKEN.sub(r"\g<1>-", scope["path"])
        self._who = f"{client} {self._method} {quote(path, safe=PLAIN)[:MAX_PATH_CHARS]}"
        self._begun = time.monotonic()
        self._status, self._size = 403 if self._method == "WS" else 500, 0
        self._id = ""  # of a request to the API, as its client sees it

    def note(self, message: Message) -> None:
        """Follow what the application sends."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._id = next(
                (v.decode() for name, v in message.get("headers", ()) if name == b"x-request-id"), ""
            )
        elif message["type"] == "http.response.body":
            self._size += len(message.get("body", b""))
        elif message["type"] == "websocket.accept":
            self._status = 101
            logger.info("%s 101", self._who)

    def end(self) -> None:
        """Log the result."""
        took = round((time.monotonic() - self._begun) * 1000)
        if self._status == 101:
            logger.info("%s closed after %s s", self._who, took // 1000)
        else:
            name = f" {self._id}" if self._id else ""
            logger.info("%s %s %s bytes %s ms%s", self._who, self._status, self._size, took, name)


class OneLine(logging.Filter):
    """Log a record cut, with control characters escaped, and a traceback only of an error of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten it."""
        text = record.getMessage()[:MAX_MESSAGE_CHARS]
        record.msg, record.args = text.encode("unicode_escape").decode("ascii"), ()
        if getattr(record, "status_code", 0) < SERVER_ERROR:
            record.exc_info = record.exc_text = None
        return True


class NoProbes(logging.Filter):
    """Leave out refused health checks: they come every few seconds, and are no error of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log the record."""
        return getattr(getattr(record, "request", None), "path_info", "") not in PROBES
