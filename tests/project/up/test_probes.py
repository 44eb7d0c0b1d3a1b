import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from project.up import ports, probes
from project.up.probes import ConnectProbe, HttpProbe, PingProbe, WholeProbe

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def replying(reply: bytes, requests: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n")
        if requests is not None:
            requests.append(request)
        writer.write(reply)

    return serve


async def no_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    port, ended = ports.pick_free(), asyncio.Queue[None]()
    connections = 0

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await serve(reader, writer)
        writer.close()
        await writer.wait_closed()
        ended.put_nowait(None)

    async with await asyncio.start_server(connected, ports.HOST, port):
        yield port
        for _ in range(connections):
            await ended.get()


async def test_an_answer_of_200_is_ready() -> None:
    requests: list[bytes] = []
    async with listening(replying(b"HTTP/1.1 200 OK\r\n\r\nok", requests)) as port:
        assert await HttpProbe(port, "/healthz").shortfall() == ""
    assert requests == [b"GET /healthz HTTP/1.0\r\n"]


async def test_another_status_is_reported_with_its_text() -> None:
    async with listening(replying(b"HTTP/1.1 503 Busy\r\nA: b\r\n\r\nno\n worker")) as port:
        shortfall = await HttpProbe(port, "/readyz").shortfall()
    assert shortfall == f"GET http://127.0.0.1:{port}/readyz answered 503: no worker"


@pytest.mark.parametrize(("workers", "shortfall"), [(2, ""), (3, "2 of 3 workers are alive")])
async def test_the_site_is_ready_when_every_worker_is_counted(workers: int, shortfall: str) -> None:
    reply = b'HTTP/1.0 200 OK\r\n\r\n{"status": "ready", "parts": {"workers": {"state": "ok", "alive": 2}}}'
    async with listening(replying(reply)) as port:
        assert await WholeProbe(port, workers).shortfall() == shortfall


async def test_a_site_that_lacks_a_part_is_not_ready() -> None:
    async with listening(replying(b"HTTP/1.0 503 Busy\r\n\r\n{}")) as port:
        assert (
            await WholeProbe(port, 2).shortfall() == f"GET http://127.0.0.1:{port}/readyz answered 503: {{}}"
        )


async def test_pong_is_ready() -> None:
    async with listening(replying(b"+PONG\r\n+OK\r\n")) as port:
        assert await PingProbe(port).shortfall() == ""


async def test_a_redis_that_loads_its_data_is_not_ready() -> None:
    async with listening(replying(b"-LOADING data\r\n")) as port:
        assert await PingProbe(port).shortfall() == "PING was answered with '-LOADING data'"


async def test_a_closed_port_is_not_ready() -> None:
    port = ports.pick_free()
    for probe in (HttpProbe(port, "/"), PingProbe(port), ConnectProbe(ports.HOST, port)):
        assert await probe.shortfall() == f"127.0.0.1:{port} takes no connection (ConnectionRefusedError)"


async def test_a_connection_is_enough_for_a_server_elsewhere() -> None:
    async with listening(no_reply) as port:
        assert await ConnectProbe("127.0.0.1", port).shortfall() == ""


async def test_no_reply_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PROBE_SECS", 0.1)
    async with listening(no_reply) as port:
        assert await PingProbe(port).shortfall() == f"127.0.0.1:{port} did not answer within 0.1 s"
