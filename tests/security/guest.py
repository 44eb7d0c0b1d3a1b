"""A guest's requests over HTTP, without a browser."""

import json
import urllib.request
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.error import HTTPError

from tests.harness.waiting import deadline


@dataclass(frozen=True)
class Reply:
    """The reply to a request, read to its end."""

    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The object in it."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Guest:
    """A visitor; a new one becomes a guest, with a session."""

    def __init__(self, address: str, *, is_new: bool = True) -> None:
        self.address = address
        self._cookies = SimpleCookie()
        if is_new:
            self.ask("GET", "/")
            self.ask("POST", "/guest/")

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "image/png") -> Reply:
        """Return the reply, also of a refusal."""
        request = urllib.request.Request(f"{self.address}{path}", body, self.headers(kind), method=method)
        try:
            reply = urllib.request.urlopen(request, timeout=deadline())
        except HTTPError as error:
            reply = error
        with reply:
            for line in reply.headers.get_all("Set-Cookie", []):
                self._cookies.load(line)
            return Reply(reply.status, reply.read())

    @property
    def session(self) -> str:
        """The Cookie header."""
        return "; ".join(f"{name}={cookie.value}" for name, cookie in self._cookies.items())

    def headers(self, kind: str) -> dict[str, str]:
        """The headers of a request of the page, with a body of this type."""
        token = self._cookies.get("tailrace_csrf")
        return {"Cookie": self.session, "X-CSRFToken": token.value if token else "", "Content-Type": kind}

    def upload(self, content: bytes) -> Reply:
        """Store a picture."""
        return self.ask("POST", "/files/?filename=depths.png", content)
