"""Post an event to a webhook's address.

Its owner chose the address, and this process is inside the operator's network: each address is checked when
its connection is made, after the name was resolved, so that no name can change in between. Redirects are not
followed, the body of a reply is not read, and proxies of the environment are not used.
"""

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from chat import __version__
from chat.conf import conf
from chat.webhooks.addresses import may_reach

SECS = 10  # of an attempt: lookup, connection and reply
READ_BYTES = 4_096  # of a reply, at a time; its head has the status
HEADERS = {"user-agent": f"Tailrace/{__version__}"}
# lookups only: the loop's own threads have the database's work, and a name server may stall
THREADS = ThreadPoolExecutor(8, "webhook-names")


@dataclass(frozen=True, slots=True)
class Reply:
    """The status of a reply, or why there is none; no text of the receiver."""

    status: int | None
    fault: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the event has arrived."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        return self.fault or f"status {self.status}"


async def post(url: str, content: bytes, headers: Mapping[str, str], secs: float = SECS) -> Reply:
    """Post once. Raises nothing of the network."""
    sockets = PermittedSockets(secure=urlsplit(url).scheme == "https")
    connector = aiohttp.TCPConnector(
        resolver=Resolver(), use_dns_cache=False, socket_factory=sockets, force_close=True
    )
    timeout = aiohttp.ClientTimeout(total=secs)
    session = aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers=HEADERS, read_bufsize=READ_BYTES, auto_decompress=False
    )
    try:
        async with session:
            reply = await session.post(url, data=content, headers=headers, allow_redirects=False)
            reply.close()
            return Reply(reply.status)
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:  # ValueError: a URL that aiohttp refuses
        return Reply(None, sockets.fault or _fault(error, secs))


class PermittedSockets:
    """Makes sockets for addresses that webhooks may reach. `fault`: why the last one was not made."""

    def __init__(self, *, secure: bool) -> None:
        self._secure, self.fault = secure, ""

    def __call__(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """A socket for an address. Raises PermissionError."""
        family, kind, proto, _, place = address
        if not may_reach(str(place[0]), conf.WEBHOOK_PRIVATE, secure=self._secure):
            self.fault = "its address is not public"
            raise PermissionError(self.fault)
        self.fault = ""
        return socket.socket(family, kind, proto)


class Resolver(AbstractResolver):
    """Looks names up in threads that nothing else needs."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises OSError."""
        looking = asyncio.get_running_loop().run_in_executor(
            THREADS, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(place[0]),
                port=port,
                family=found,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for found, _, proto, _, place in await looking
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _fault(error: Exception, secs: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no reply within {secs:g} s"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name has no address"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "it cannot be reached"
    return f"its reply cannot be read: {type(error).__name__}"
