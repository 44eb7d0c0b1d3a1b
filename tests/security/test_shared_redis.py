"""Two deployments on one Redis and one database number: neither hears or takes anything of the other."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from tests.harness.socket_client import Event, Visitor, cookie, visiting
from tests.harness.stack import DEPLOYED, MODELS, Stack, Ways, running
from tests.harness.waiting import deadline, wait_until

PREFIXES = ("first", "second")
SECRET = "[words-20@60] My medical question"


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, static_files: Path
) -> Iterator[tuple[Stack, Stack]]:
    """Two deployments, each with a worker of the same name."""
    ways = Ways()
    both = []
    with ExitStack() as stack:
        for prefix in PREFIXES:
            place = tmp_path_factory.mktemp(prefix)
            env = {**DEPLOYED, "TAILRACE_STATIC_ROOT": str(static_files), "TAILRACE_PREFIX": prefix}
            both.append(stack.enter_context(running(place, 1, Ways(ways.redis), MODELS, **env)))
        yield both[0], both[1]


@pytest.fixture(scope="module")
def sessions(deployments: tuple[Stack, Stack]) -> tuple[str, str]:
    """The first visitor of each: their users have the same id."""
    one, other = deployments
    return asyncio.run(cookie(one.url)), asyncio.run(cookie(other.url))


async def heard(visitor: Visitor) -> list[Event]:
    """All frames up to the error of an unknown response, which is sent after them."""
    frames: list[Event] = []
    async with asyncio.timeout(deadline()):
        await visitor.send({"type": "tailrace:cancel", "response_id": str(UUID(int=0))})
        while not frames or frames[-1]["type"] != "error":
            frames.append(json.loads(await visitor.socket.recv()))
    return frames


async def test_no_title_and_no_text_reaches_the_user_of_the_same_id(
    deployments: tuple[Stack, Stack], sessions: tuple[str, str]
) -> None:
    one, other = deployments
    async with visiting(one.url, sessions[0]) as ours, visiting(other.url, sessions[1]) as theirs:
        created = (await ours.answer(SECRET))[0]["response"]["id"]
        (same,) = [(await theirs.answer())[0]["response"]["id"]]
        assert one.row(created)["owner_id"] == other.row(same)["owner_id"]
        await ours.answer(SECRET)
        assert "medical" not in json.dumps(await heard(theirs))


async def test_no_worker_takes_a_task_of_the_other(
    deployments: tuple[Stack, Stack], sessions: tuple[str, str]
) -> None:
    one, other = deployments
    one.take_tasks("worker1", yes=False)
    async with visiting(one.url, sessions[0]) as ours, visiting(other.url, sessions[1]) as theirs:
        await ours.create()
        wait_until(lambda: one.redis("LLEN", "first:responses") == 1, 10, "the message waits")
        assert (await theirs.answer())[-1]["type"] == "response.completed"
        assert one.redis("LLEN", "first:responses") == 1
        one.take_tasks("worker1", yes=True)
        assert (await ours.until("response.completed"))[-1]["response"]["status"] == "completed"


def test_a_remote_control_command_reaches_the_own_workers_only(deployments: tuple[Stack, Stack]) -> None:
    for deployment in deployments:
        assert len(deployment.control("ping", "worker1")) == 1
        with deployment._celery() as app:
            replies = wait_until(lambda: app.control.ping(timeout=2) or (), 10, "a worker replies")
        assert len(replies) == 1


def test_each_has_its_own_reaper_and_its_own_workers(deployments: tuple[Stack, Stack]) -> None:
    one, _ = deployments
    wait_until(lambda: one.redis("EXISTS", "first:reaper", "second:reaper") == 2, 10, "both have a reaper")
    for each in deployments:
        each.wait_for_workers(1)
    unprefixed = [key for key in one.redis("KEYS", "*") if not key.startswith((b"first:", b"second:"))]
    assert unprefixed == []
    channels = one.redis("PUBSUB", "CHANNELS")
    assert [name for name in channels if not name.startswith((b"first", b"second"))] == []
