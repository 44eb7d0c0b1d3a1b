"""Redis restarts with, without or with older data, freezes, fills up, does not reply: answers continue."""

import asyncio
import time
from collections.abc import Callable, Iterator
from urllib.request import urlopen

import pytest

from chat.protocol.errors import SIGNED_OUT
from chat.transport.redis_keys import prefixed
from tests.faults.harness import Harness
from tests.faults.load import all_end, load, receives_text_since, release
from tests.faults.recording_client import Question, RecordingClient
from tests.harness.socket_client import cookie, visiting
from tests.harness.waiting import await_until, deadline, patience

TALK = Question("words-30+hold-after-25+times-1@5")  # 6 s, unless the fault comes later
BRIEF = Question("words-30@60")
SIX = [TALK] * 6  # three in each worker
END_SECS = 60
FLOWS_SECS = 30  # from the start of Redis to the next piece of text
SERVED_SECS = 3  # the longest that the web server's event loop may be busy
BETWEEN_SECS = 0.2  # two requests that show it
TRIES = 5  # to have a message on its way to each frozen worker
BUSY_SECS = 10  # the longest that a client may wait for `busy`


@pytest.fixture(autouse=True)
def _all_survive(harness: Harness) -> Iterator[None]:
    """In every fault of Redis web server and workers stay up, and accept work again."""
    before = {name: process.popen.pid for name, process in harness.stack.processes.items() if name != "redis"}
    yield
    harness.mend()
    harness.stack.wait_for_workers(2)
    assert {n: harness.stack.processes[n].popen.pid for n in before} == before
    assert all(harness.stack.processes[name].is_running for name in before)
    asyncio.run(_ask(harness))


async def _ask(harness: Harness) -> None:
    async with visiting(harness.stack.url) as visitor:
        assert (await visitor.answer())[-1]["type"] == "response.completed"


async def all_complete(harness: Harness, clients: list[RecordingClient]) -> None:
    """Check that every response completes, and that nothing is lost or doubled."""
    (await all_end(harness.stack, clients, END_SECS)).require(completed=len(clients))


async def flows_and_completes(harness: Harness, clients: list[RecordingClient]) -> None:
    """Check the same, and that the next text arrives in time."""
    since = time.time()
    release(harness.stack, clients)
    await await_until(receives_text_since(clients, since), FLOWS_SECS, "the text flows again")
    await all_complete(harness, clients)


async def test_broken_connections_are_not_noticed(harness: Harness) -> None:
    async with load(harness, SIX) as clients:
        harness.web_to_redis.break_connections()
        harness.workers_to_redis.break_connections()
        release(harness.stack, clients)
        await all_complete(harness, clients)


async def test_redis_killed_and_started_with_its_data(harness: Harness) -> None:
    async with load(harness, SIX) as clients:
        await asyncio.to_thread(harness.stack.processes["redis"].kill)
        await asyncio.to_thread(harness.stack.start_redis)
        await flows_and_completes(harness, clients)


async def test_redis_killed_and_started_without_its_data(harness: Harness) -> None:
    async with load(harness, SIX) as clients:
        await asyncio.to_thread(harness.stack.processes["redis"].kill)
        harness.delete_data()
        await asyncio.to_thread(harness.stack.start_redis)
        await flows_and_completes(harness, clients)


async def test_redis_killed_and_started_with_older_data(harness: Harness) -> None:
    async with load(harness, SIX) as clients:
        harness.back_up_data()
        before = [client.last for client in clients]
        await await_until(_all_beyond(clients, before), 5, "every client has received more")
        await asyncio.to_thread(harness.stack.processes["redis"].kill)
        harness.restore_older_data()
        await asyncio.to_thread(harness.stack.start_redis)
        await flows_and_completes(harness, clients)


def _all_beyond(clients: list[RecordingClient], cursors: list[int]) -> Callable[[], bool]:
    return lambda: all(w.last > cursor + 5 for w, cursor in zip(clients, cursors, strict=True))


async def test_redis_flushed_in_the_middle(harness: Harness) -> None:
    async with load(harness, SIX) as clients:
        harness.stack.redis("FLUSHALL")
        await flows_and_completes(harness, clients)


async def assert_busy(harness: Harness) -> None:
    """Check that a command gets `busy` in time, and that the web server serves meanwhile."""
    async with visiting(harness.stack.url) as visitor:
        began = time.monotonic()
        await visitor.create()
        refusal = asyncio.create_task(visitor.next())
        while not refusal.done():
            with await asyncio.to_thread(
                urlopen, f"{harness.stack.url}/healthz", timeout=SERVED_SECS * patience()
            ) as reply:
                assert reply.status == 200
            await asyncio.wait([refusal], timeout=BETWEEN_SECS)
        assert (await refusal)["error"]["code"] == "busy"
        assert time.monotonic() - began < BUSY_SECS * patience()


async def test_redis_frozen_for_half_a_minute(harness: Harness) -> None:
    async with load(harness, SIX) as clients:
        harness.stack.processes["redis"].freeze()
        frozen_at = time.monotonic()
        release(harness.stack, clients)
        await assert_busy(harness)
        await asyncio.sleep(max(0, frozen_at + 30 - time.monotonic()))  # the fault itself takes this long
        harness.stack.processes["redis"].thaw()
        await all_complete(harness, clients)


@pytest.mark.parametrize("path", ["/ws/responses/", "/ws/openai/"])
async def test_a_session_that_ends_while_redis_is_frozen(harness: Harness, path: str) -> None:
    session = await cookie(harness.stack.url)
    async with visiting(harness.stack.url, session, path) as visitor:
        harness.stack.processes["redis"].freeze()
        harness.stack.delete_session(session)
        async with asyncio.timeout(deadline()):
            await visitor.socket.wait_closed()
        assert visitor.socket.close_code == SIGNED_OUT
        harness.stack.processes["redis"].thaw()


async def test_redis_full(harness: Harness) -> None:
    async with load(harness, SIX) as clients:
        harness.stack.redis("CONFIG", "SET", "maxmemory", "1")
        release(harness.stack, clients)
        await assert_busy(harness)
        harness.stack.redis("CONFIG", "SET", "maxmemory", "0")
        await all_complete(harness, clients)


async def test_redis_full_when_a_task_is_delivered(harness: Harness) -> None:
    """A worker whose write is refused just then survives."""
    session = await cookie(harness.stack.url)  # first: a worker may hold the database's lock when it freezes
    for _ in range(TRIES):
        readings = await _asked_while_frozen(harness, session)
        if not harness.stack.redis("LLEN", prefixed("responses")):
            break
        harness.mend()  # a worker's request for a message had expired
        await all_complete(harness, list(readings))
    else:
        pytest.fail(f"{TRIES} times a message was left in the queue of two frozen workers")
    harness.stack.redis("CONFIG", "SET", "maxmemory", "1")
    for worker in harness.workers:
        harness.stack.processes[worker].thaw()
    await await_until(_all_refused(harness), 10, "both workers were refused")
    harness.stack.redis("CONFIG", "SET", "maxmemory", "0")
    await all_complete(harness, list(readings))


async def _asked_while_frozen(harness: Harness, session: str) -> dict[RecordingClient, asyncio.Task[None]]:
    """Freeze the workers, and push a message for each; usually both are on their way to them then."""
    for worker in harness.workers:
        harness.stack.processes[worker].freeze()
    pushed = _pushed(harness)
    clients = [RecordingClient(harness.stack.url, session, BRIEF) for _ in harness.workers]
    readings = {client: asyncio.create_task(client.read()) for client in clients}
    await await_until(lambda: _pushed(harness) >= pushed + 2, 30, "two messages are pushed")
    return readings


def _pushed(harness: Harness) -> int:
    """Return how many messages were pushed to queues so far."""
    return int(harness.stack.redis("INFO", "commandstats").get("cmdstat_lpush", {"calls": 0})["calls"])


def _all_refused(harness: Harness) -> Callable[[], bool]:
    def refused() -> bool:
        outputs = [harness.stack.processes[worker].output() for worker in harness.workers]
        return all("OutOfMemoryError" in text for text in outputs)

    return refused


async def test_redis_that_accepts_and_does_not_reply(harness: Harness) -> None:
    async with load(harness, SIX) as clients:
        harness.web_to_redis.stall()
        harness.workers_to_redis.stall()
        release(harness.stack, clients)
        await assert_busy(harness)
        harness.web_to_redis.mend()
        harness.workers_to_redis.mend()
        await all_complete(harness, clients)
