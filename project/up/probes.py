"""Probe whether a part is ready."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Protocol

from project.up.ports import HOST

PROBE_SECS = 3
BODY_CHARS = 200


class Probe(Protocol):
    """A readiness check."""

    async def shortfall(self) -> str:
        """Why the part is not ready; empty: ready."""


@dataclass(frozen=True)
class PingProbe:
    """Ready when Redis replies PONG: while loading it refuses."""

    port: int
    password: str = field(default="", repr=False)

    async def shortfall(self) -> str:
        """Send PING."""
        login = f"AUTH {self.password}\r\n" if self.password else ""
        reply, fault = await _exchange(HOST, self.port, f"{login}PING\r\nQUIT\r\n".encode())
        if fault or reply.removeprefix("+OK\r\n").startswith("+PONG"):
            return fault
        return f"PING was answered with {reply.strip()[:BODY_CHARS]!r}"


@dataclass(frozen=True)
class HttpProbe:
    """Ready when GET `path` returns 200."""

    port: int
    path: str

    async def shortfall(self) -> str:
        """Send GET."""
        _, fault = await get(self.port, self.path)
        return fault


@dataclass(frozen=True)
class WholeProbe:
    """Ready when /readyz returns 200 and counts every worker."""

    port: int
    workers: int

    async def shortfall(self) -> str:
        """Send GET."""
        body, fault = await get(self.port, "/readyz")
        if fault:
            return fault
        alive = json.loads(body)["parts"]["workers"]["alive"]
        return "" if alive >= self.workers else f"{alive} of {self.workers} workers are alive"


@dataclass(frozen=True)
class ConnectProbe:
    """Ready when a server accepts a connection."""

    host: str
    port: int

    async def shortfall(self) -> str:
        """Connect."""
        _, fault = await _exchange(self.host, self.port, b"")
        return fault


async def get(port: int, path: str) -> tuple[str, str]:
    """The body of a 200, or else a fault."""
    # HTTP/1.0: no chunks, the connection ends the body
    request = f"GET {path} HTTP/1.0\r\nHost: {HOST}:{port}\r\n\r\n"
    reply, fault = await _exchange(HOST, port, request.encode())
    head, _, body = reply.partition("\r\n\r\n")
    status = head.partition(" ")[2][:3]
    if fault or status == "200":
        return body, fault
    return "", f"GET http://{HOST}:{port}{path} answered {status}: {' '.join(body.split())[:BODY_CHARS]}"


async def _exchange(host: str, port: int, request: bytes) -> tuple[str, str]:
    """Send `request` if any, read to the end; return reply and fault."""
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
