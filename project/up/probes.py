"""Probes: each asks a part whether it is ready, and returns the reason why not, or nothing."""

import asyncio
import json
from dataclasses import dataclass
from typing import Protocol

from project.up.ports import HOST

PROBE_SECS = 3  # the time limit of one probe
BODY_CHARS = 200  # of an error page, for the message


class Probe(Protocol):
    """A readiness check that can be repeated."""

    async def shortfall(self) -> str:
        """Return why the part is not ready; an empty string means that it is."""


@dataclass(frozen=True)
class PingProbe:
    """An embedded Redis is ready when it replies PONG; while it loads its data it refuses."""

    port: int

    async def shortfall(self) -> str:
        """Send PING."""
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
        """Send GET."""
        _, fault = await _get(self.port, self.path)
        return fault


@dataclass(frozen=True)
class WholeProbe:
    """The site is ready when GET /readyz answers 200 and counts every worker."""

    port: int
    workers: int

    async def shortfall(self) -> str:
        """Send GET, and count the workers."""
        body, fault = await _get(self.port, "/readyz")
        if fault:
            return fault
        alive = json.loads(body)["parts"]["workers"]["alive"]
        return "" if alive >= self.workers else f"{alive} of {self.workers} workers are alive"


@dataclass(frozen=True)
class ConnectProbe:
    """A server elsewhere is ready when it accepts a connection; its clients report any other error."""

    host: str
    port: int

    async def shortfall(self) -> str:
        """Connect, and close."""
        _, fault = await _exchange(self.host, self.port, b"")
        return fault


async def _get(port: int, path: str) -> tuple[str, str]:
    """Return the body of an answer of 200, and the fault of any other."""
    # HTTP/1.0: the body comes in one piece and ends with the connection
    request = f"GET {path} HTTP/1.0\r\nHost: {HOST}:{port}\r\n\r\n"
    reply, fault = await _exchange(HOST, port, request.encode())
    head, _, body = reply.partition("\r\n\r\n")
    status = head.partition(" ")[2][:3]
    if fault or status == "200":
        return body, fault
    return "", f"GET http://{HOST}:{port}{path} answered {status}: {' '.join(body.split())[:BODY_CHARS]}"


async def _exchange(host: str, port: int, request: bytes) -> tuple[str, str]:
    """Send `request` and read to the end, unless it is empty; return the reply and the fault."""
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
