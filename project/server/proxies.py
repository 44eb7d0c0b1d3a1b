"""The client's address and scheme behind TAILRACE_PROXIES proxies, for all that follows.

Each proxy appends to X-Forwarded-For, so only the last entries, one for each proxy, can be believed; the
rest is the client's choice. Without proxies both headers are ignored.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from chat.streaming.backpressure import Application, Receive, Send

Headers = Iterable[tuple[bytes, bytes]]
SECURE = {"http": "https", "websocket": "wss"}


class Proxies:
    """Set `client` and `scheme` of each scope."""

    def __init__(self, application: Application, count: int) -> None:
        self._application, self._count = application, count

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if self._count:
            headers = list(scope["headers"])
            if address := client_address(headers, self._count):
                scope = scope | {"client": [address, 0]}
            if _is_secure(headers, self._count):
                scope = scope | {"scheme": SECURE[scope["type"]]}
        await self._application(scope, receive, send)


def client_address(headers: Headers, count: int) -> str | None:
    """The address that the outermost of `count` proxies saw; None: missing, or no address."""
    entries = _entries(headers, b"x-forwarded-for")
    entry = entries[-count] if len(entries) >= count else ""
    host = entry.removeprefix("[").partition("]")[0] if entry.startswith("[") else entry
    if host.count(":") == 1:  # IPv4 with a port
        host = host.partition(":")[0]
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _is_secure(headers: Headers, count: int) -> bool:
    """Whether the outermost proxy was asked by https, if each appends its scheme or sets it."""
    return _entries(headers, b"x-forwarded-proto")[-count:][0] == "https"


def _entries(headers: Headers, name: bytes) -> list[str]:
    """All entries of a list in one or more headers; at least an empty one."""
    values = [value.decode("latin-1") for key, value in headers if key.lower() == name]
    return [entry.strip() for entry in ",".join(values).split(",")]
