"""Questions to a part: is it ready? Each gives the reason why not, or nothing."""

import asyncio
import json
from dataclasses import dataclass
from typing import Protocol

from project.up.ports import HOST

PROBE_SECS = 3  # one question may take this long
BODY_CHARS = 200  # of a refusal that are worth showing


class Probe(Protocol):
    """A question that can be asked again and again."""

    async def shortfall(self) -> str:
        """Say why the part is not ready; an empty string means that it is."""


@dataclass(frozen=True)
class PingProbe:
    """An embedded Redis is ready when it answers PONG: while it loads its data it refuses."""

    port: int

    async def shortfall(self) -> str:
        """Ask PING."""
        reply, fault = await _exchange(HOST, self.port, b"PING\r\nQUIT\r\n")
        if fault or reply.startswith("+PONG"):
            return fault
        return f"PING was answered with {reply.strip()[:BODY_CHARS]!r}"


@dataclass(frozen=True)
class HttpProbe:
    """A web part is ready when GET `path` answers 200."""

    port: int
    path: str

    async def shortfall(self) -> str:
        """Ask GET."""
        _, fault = await _get(self.port, self.path)
        return fault


@dataclass(frozen=True)
class WholeProbe:
    """The whole is ready when GET /readyz answers 200 and has counted every worker."""

    port: int
    workers: int

    async def shortfall(self) -> str:
        """Ask GET, and count."""
        body, fault = await _get(self.port, "/readyz")
        if fault:
            return fault
        alive = json.loads(body)["parts"]["workers"]["alive"]
        return "" if alive >= self.workers else f"{alive} of {self.workers} workers are alive"


@dataclass(frozen=True)
class ConnectProbe:
    """A server elsewhere is there when it takes a connection; whether it likes us, its clients will say."""

    host: str
    port: int

    async def shortfall(self) -> str:
        """Connect, and leave."""
        _, fault = await _exchange(self.host, self.port, b"")
        return fault


async def _get(port: int, path: str) -> tuple[str, str]:
    """Give the body of an answer of 200, and the fault of any other."""
    # HTTP/1.0: the body comes in one piece and ends with the connection
    request = f"GET {path} HTTP/1.0\r\nHost: {HOST}:{port}\r\n\r\n"
    reply, fault = await _exchange(HOST, port, request.encode())
    head, _, body = reply.partition("\r\n\r\n")
    status = head.partition(" ")[2][:3]
    if fault or status == "200":
        return body, fault
    return "", f"GET http://{HOST}:{port}{path} answered {status}: {' '.join(body.split())[:BODY_CHARS]}"


async def _exchange(host: str, port: int, request: bytes) -> tuple[str, str]:
    """Send `request` and read until the peer ends, unless it is empty; give the reply and the fault."""
    try:
        async with asyncio.timeout(PROBE_SECS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                reply = await reader.read() if request else b""
            finally:
                writer.close()
    except TimeoutError:
        return "", f"{host}:{port} did not answer within {PROBE_SECS} s"
    except OSError as error:
        return "", f"{host}:{port} takes no connection ({type(error).__name__})"
    return reply.decode(errors="replace"), ""
