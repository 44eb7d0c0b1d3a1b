"""Readers that do not read: they cost no memory, delay no one, may send commands, get every byte later."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.protocol.errors import SLOW_READER
from project.up.parts import web_command
from tests.harness.processes import free_port
from tests.harness.socket_client import TERMINAL, Event, Visitor, cookie, text_of, visiting
from tests.harness.stack import Stack, answers, running
from tests.harness.upstream import text_of as upstream_text
from tests.harness.waiting import wait_until, within

# as fast as it can; with its end that repeats the text, more than a megabyte to read
LONG = f"[echo] {' '.join(f'w{number:0138}' for number in range(2_000))}"
LONG_IN_WORDS = "[words-40000]"  # as long; streams over HTTP share its larger pieces, and hold each of these
LIVE = "[words-1000@200]"
STOPPED = "[words-2000@50]"
HEALTHY = "[words-100@50]"
SOCKETS, REPLAYS = 8, 20  # of LONG: more than 200 MB
MOST_GROWTH_KB = 24 * 1024  # a ninth of it: each socket holds what its transport has, with one long event
STREAMS = 200  # over HTTP
MOST_GROWTH_OF_STREAMS_KB = 48 * 1024  # 16 to 28; it was 135 MB while each stream kept its answer
FLOOD = 300_000  # frames of 131 bytes: far more than a socket may ask for, and than the system's buffers take
UNREAD_SECS, CLOSE_SECS = 3, 2


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A separate Tailrace, whose web process may be filled."""
    with running(tmp_path_factory.mktemp("readers"), workers=1) as parts:
        yield parts


@pytest.fixture(scope="module")
def session(own: Stack) -> str:
    """The cookie of one visitor: all sockets of this file are the same one's."""
    with asyncio.Runner() as runner:
        return runner.run(cookie(own.url))


def small_socket() -> socket.socket:
    """A socket whose buffers are small."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # else loopback's packets need megabytes
    return plain


@asynccontextmanager
async def stalling(port: int, session: str) -> AsyncIterator[Visitor]:
    """A socket with small buffers everywhere: without calls of `recv` it is full after 200 KB."""
    plain = small_socket()
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    client = connect(
        f"ws://127.0.0.1:{port}/ws/responses/",
        sock=plain,
        additional_headers={"Cookie": session},
        max_queue=1,
        max_size=None,
        ping_interval=None,
        close_timeout=0.1,
        compression=None,
    )
    async with client as open_socket:
        yield Visitor(open_socket)


def memory_kb(own: Stack) -> int:
    """The resident memory of the web process."""
    status = Path(f"/proc/{own.processes['web'].popen.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


async def frames(visitor: Visitor) -> AsyncIterator[Event]:
    """Everything that comes, to the close."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            yield json.loads(await visitor.socket.recv())


async def received(visitor: Visitor, *types: str) -> list[Event]:
    """The events of the answer up to the first of a type; heartbeats and the like are left out."""
    events: list[Event] = []
    async for event in frames(visitor):
        events += [event] if "sequence_number" in event or event["type"] in types else []
        if event["type"] in types:
            return events
    return events


async def ask_long(own: Stack, session: str) -> str:
    async with visiting(own.url, session) as visitor:
        await visitor.create(LONG)
        return str((await received(visitor, *TERMINAL))[0]["response"]["id"])


@pytest.fixture(scope="module")
def long(own: Stack, session: str) -> str:
    """The id of an answer that is long, and over."""
    with asyncio.Runner() as runner:
        return runner.run(ask_long(own, session))


def replay(response_id: str) -> Event:
    """The command to send the answer once more from its beginning."""
    return {"type": "tailrace:subscribe", "response_id": response_id, "starting_after": -1}


async def fill(visitor: Visitor, response_id: str) -> None:
    """Ask for more than the buffers take, and do not read."""
    await visitor.send(replay(response_id))


async def obeyed(own: Stack, visitors: list[Visitor]) -> None:
    """Wait until every socket has come to the end of its commands."""
    before = own.count_rows()
    for visitor in visitors:
        await visitor.create(model="demo-count")
    await asyncio.to_thread(
        wait_until, lambda: own.count_rows() == before + len(visitors), 30, "all commands are obeyed"
    )


async def test_what_is_not_read_is_not_kept(own: Stack, session: str, long: str) -> None:
    async with visiting(own.url, session) as visitor:  # so that all is loaded
        await visitor.send(replay(long))
        await received(visitor, "tailrace:up_to_date")
        await obeyed(own, [visitor])
    before = memory_kb(own)
    async with AsyncExitStack() as opened:
        visitors = [await opened.enter_async_context(stalling(own.web_port, session)) for _ in range(SOCKETS)]
        for _ in range(REPLAYS):
            for visitor in visitors:
                await visitor.send(replay(long))
        await obeyed(own, visitors)
        assert memory_kb(own) - before < MOST_GROWTH_KB
        events = await received(visitors[0], "tailrace:up_to_date")  # and now it reads
    whole = events[-2]["response"]["output"][0]["content"][0]["text"]
    assert (events[-2]["type"], whole) == ("response.completed", upstream_text(LONG))


def stalled_stream(own: Stack, key: str, response_id: str) -> socket.socket:
    """A request for the events of a response; nothing is read."""
    client = small_socket()
    client.connect(("127.0.0.1", own.web_port))
    request = f"GET /v1/responses/{response_id}?stream=true HTTP/1.1"
    client.sendall(f"{request}\r\nHost: here\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    return client


def has_unread(client: socket.socket) -> bool:
    """Whether the buffer is full, nearly."""
    return len(client.recv(2000, socket.MSG_PEEK)) == 2000


def body_of(client: socket.socket) -> bytes:
    """The whole body, without the comments of a silence."""
    response = HTTPResponse(client)
    response.begin()
    return response.read().replace(b": keep-alive\n\n", b"")


def test_streams_that_are_not_read_are_not_kept(own: Stack) -> None:
    key = own.new_key()
    with closing(HTTPConnection("127.0.0.1", own.web_port)) as asking:
        question = json.dumps({"model": "scripted", "input": LONG_IN_WORDS})
        asking.request("POST", "/v1/responses", question, {"Authorization": f"Bearer {key}"})
        response_id = json.load(asking.getresponse())["id"]
    with ExitStack() as opened:

        def stall() -> socket.socket:
            return opened.enter_context(closing(stalled_stream(own, key, response_id)))

        whole = body_of(stall())  # so that all is loaded
        before = memory_kb(own)
        streams = [stall() for _ in range(STREAMS)]
        for stream in streams:
            wait_until(partial(has_unread, stream), 30, "a part has come")
        assert memory_kb(own) - before < MOST_GROWTH_OF_STREAMS_KB
        assert body_of(streams[-1]) == whole
    assert whole.count(b"event: response.completed") == 1


async def test_a_reader_that_stops_for_a_while_gets_every_event_once_and_in_order(
    own: Stack, session: str, long: str
) -> None:
    async with stalling(own.web_port, session) as visitor:
        await visitor.create(LIVE)
        events = await received(visitor, "response.output_text.delta")
        await fill(visitor, long)
        record = await asyncio.to_thread(own.upstream.wait_for_end, LIVE, 20)
        assert record.finished
        response_id = events[0]["response"]["id"]
        row = await asyncio.to_thread(own.settled, response_id)
        item_id = f"{response_id.replace('resp', 'msg')}_0"
        last = events[-1]["sequence_number"]
        async for event in frames(visitor):
            mine = response_id in (event.get("response_id"), event.get("response", {}).get("id"))
            if mine or item_id in (event.get("item_id"), event.get("item", {}).get("id")):
                events += [event] if "sequence_number" in event else []
            if mine and event["type"] in TERMINAL:
                break
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert len(events) > last + 2
    assert text_of(events) == row["output"] == upstream_text(LIVE)


async def test_a_reader_that_does_not_read_can_stop_its_answer(own: Stack, session: str, long: str) -> None:
    async with stalling(own.web_port, session) as visitor:
        await visitor.create(STOPPED)
        response_id = (await received(visitor, "response.output_text.delta"))[0]["response"]["id"]
        await fill(visitor, long)
        await visitor.send({"type": "tailrace:cancel", "response_id": response_id})
        record = await asyncio.to_thread(own.upstream.wait_for_end, STOPPED, 2)
    assert record.aborted


async def test_a_reader_beside_those_that_do_not_read_is_not_slowed(
    own: Stack, session: str, long: str
) -> None:
    async with AsyncExitStack() as opened:
        for _ in range(SOCKETS):
            stalled = await opened.enter_async_context(stalling(own.web_port, session))
            for _ in range(REPLAYS):
                await stalled.send(replay(long))
        async with visiting(own.url, session) as healthy:
            await healthy.create(HEALTHY)
            await healthy.until("response.output_text.delta")
            with within(6):  # two seconds of text
                events = await healthy.until(*TERMINAL)
            assert events[-1]["type"] == "response.completed"


@pytest.mark.parametrize("kind", ["bad frames", "pings"])
async def test_who_asks_and_asks_and_does_not_read_is_dropped(
    own: Stack, session: str, long: str, kind: str
) -> None:
    before = memory_kb(own)
    async with stalling(own.web_port, session) as visitor:
        await fill(visitor, long)
        with pytest.raises(ConnectionClosed):
            await flood(visitor, kind)
        assert memory_kb(own) - before < MOST_GROWTH_KB


async def flood(visitor: Visitor, kind: str) -> None:
    """Send small frames that each want an answer."""
    send = visitor.socket.ping if kind == "pings" else visitor.send
    for number in range(FLOOD):
        await send(f"{{{number:0124}")


@pytest.fixture(scope="module")
def impatient(own: Stack) -> int:
    """The port of a web server that waits for a few seconds only."""
    port = free_port()
    _, _, *serve = web_command(port)
    module = ("tests.faults.impatient", str(UNREAD_SECS), str(CLOSE_SECS))
    process = own.start("impatient", sys.executable, "-m", *module, *serve)
    process.wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
    return port


def given_up(own: Stack) -> int:
    """How many sockets were closed for not being read."""
    return own.processes["impatient"].output().count("has read nothing for")


async def test_a_reader_that_is_given_up_hears_why_and_comes_back_with_its_cursor(
    own: Stack, session: str, long: str, impatient: int
) -> None:
    before = given_up(own)
    async with stalling(impatient, session) as visitor:
        await fill(visitor, long)
        await asyncio.to_thread(wait_until, lambda: given_up(own) > before, 15, "it is given up")
        seen = [event async for event in frames(visitor)]
        assert (seen[-1]["status"], seen[-1]["error"]["code"]) == (408, "slow_reader")
        assert visitor.socket.close_code == SLOW_READER
    events = [event for event in seen if "sequence_number" in event]
    assert events[-1]["type"] != "response.completed"
    async with visiting(own.url, session) as visitor:
        await visitor.send(replay(long) | {"starting_after": events[-1]["sequence_number"]})
        events += (await received(visitor, "tailrace:up_to_date"))[:-1]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert text_of(events) == upstream_text(LONG)


def is_connected(port: int, client: int) -> bool:
    """Whether the server's end of a connection is open."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return any(row[1].endswith(f":{port:04X}") and row[2].endswith(f":{client:04X}") for row in rows)


async def test_who_never_reads_again_is_let_go(own: Stack, session: str, long: str, impatient: int) -> None:
    async with stalling(impatient, session) as visitor:
        client = visitor.socket.local_address[1]
        await fill(visitor, long)
        assert is_connected(impatient, client)
        await asyncio.to_thread(
            wait_until,
            lambda: not is_connected(impatient, client),
            UNREAD_SECS + CLOSE_SECS,
            "its connection is gone",
        )
