"""The address of Redis moves from a primary to its replica, and back: answers continue."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from project.up.ports import HOST
from tests.faults.harness import Harness
from tests.faults.load import all_end, load, receives_text_since
from tests.faults.recording_client import Question
from tests.harness import valkey
from tests.harness.socket_client import visiting
from tests.harness.waiting import await_until, wait_until

SIX = [Question("words-40@5")] * 6  # 8 s
SYNC_SECS = 30
FLOWS_SECS = 30  # from the move to the next piece of text
END_SECS = 60


class Pair:
    """The Valkey of a harness and a second one: one is the primary, the other its replica."""

    def __init__(self, harness: Harness, second: valkey.OwnValkey) -> None:
        self.harness = harness
        self.first_port, self.second_port = harness.stack.ways.redis, port_of(second.url)

    def replicate(self, port: int, primary: int | None) -> None:
        """Make a Valkey the replica of another one, up to date; None: a primary."""
        if primary:
            call(primary, "CONFIG", "SET", "repl-diskless-sync-delay", 0)
        call(port, "REPLICAOF", *((HOST, primary) if primary else ("NO", "ONE")))
        if primary:
            wait_until(lambda: is_up_to_date(port, primary), SYNC_SECS, "the replica is up to date")

    def move(self, port: int) -> None:
        """Let the address name another Valkey; open connections stay."""
        for proxy in (self.harness.web_to_redis, self.harness.workers_to_redis):
            proxy.move(port)

    def fail_over(self) -> None:
        """Kill the primary, promote the replica, and move the address."""
        self.harness.stack.processes["redis"].kill()
        self.replicate(self.second_port, None)
        self.move(self.second_port)

    def join_again(self) -> None:
        """Start the killed one as a replica."""
        self.harness.stack.start_redis()
        self.replicate(self.first_port, self.second_port)

    def switch_back(self) -> None:
        """Make the first the primary again, as an operator does: the second stays, as its replica."""
        call(self.second_port, "REPLICAOF", HOST, self.first_port)
        self.replicate(self.first_port, None)
        self.move(self.first_port)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def call(port: int, *command: str | int) -> object:
    with redis.Redis(HOST, port) as client:
        return client.execute_command(*command)


def is_up_to_date(replica: int, primary: int) -> bool:
    """Whether a replica is connected, and has all that its primary had a moment ago."""
    with redis.Redis(HOST, primary) as there, redis.Redis(HOST, replica) as here:
        offset = there.info("replication")["master_repl_offset"]
        found = here.info("replication")
        return bool(found["master_link_status"] == "up" and found["slave_repl_offset"] >= offset)


@pytest.fixture
def pair(harness: Harness, tmp_path: Path) -> Iterator[Pair]:
    """A second Valkey that replicates that of the harness, which is the primary again in the end."""
    with valkey.running(tmp_path) as second:
        pair = Pair(harness, second)
        pair.replicate(pair.second_port, pair.first_port)
        yield pair
        if not harness.stack.processes["redis"].is_running:
            harness.stack.start_redis()
        pair.replicate(pair.first_port, None)
        pair.move(pair.first_port)
    harness.mend()
    harness.stack.wait_for_workers(2)


async def survives(harness: Harness, move: Callable[[], None], after: Callable[[], None]) -> None:
    """Check that six answers continue and complete, and that nothing is lost or doubled."""
    async with load(harness, SIX) as clients:
        await asyncio.to_thread(move)
        await await_until(receives_text_since(clients, time.time()), FLOWS_SECS, "the text flows again")
        await asyncio.to_thread(after)
        (await all_end(harness.stack, clients, END_SECS)).require(completed=len(clients))


async def test_the_address_moves_from_a_killed_primary_to_its_replica_and_back(
    harness: Harness, pair: Pair
) -> None:
    await survives(harness, pair.fail_over, pair.join_again)
    await survives(harness, pair.switch_back, lambda: None)
    async with visiting(harness.stack.url) as visitor:
        assert (await visitor.answer())[-1]["type"] == "response.completed"
