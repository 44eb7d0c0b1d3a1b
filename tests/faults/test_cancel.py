"""Stop in every phase: on screen within a second, upstream closed within two, one end and one winner."""

import asyncio
import base64
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator

import pytest

from project.up import ports
from project.up.ports import HOST
from tests.faults.checker import check
from tests.faults.harness import Rig, rigged
from tests.faults.load import all_ended, crowd, words_of
from tests.faults.recording_client import Witness
from tests.harness.socket_client import cookie
from tests.harness.stack import answers
from tests.harness.waiting import await_until, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

STREAMING = "words-400@20:streaming"
STALLED = "words-20+stall-after-5@50:stalled"
FIRST = "stall-first:silent"
MUTE = "mute:mute"
BRIEF = "words-20@40:brief"  # half a second
QUEUED = "words-30@20:queued"
ON_SCREEN_SECS, UPSTREAM_SECS = 1, 2
FLOWER_SECS = 4  # a revoked job is noticed with the next beat
LAST_WORD = 20  # of BRIEF
RACES = 24

Condition = Callable[[], Awaitable[bool]]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One worker, so that it can be taken away."""
    models = [BRIEF, STREAMING, STALLED, FIRST, MUTE, QUEUED]
    with rigged(tmp_path_factory.mktemp("cancel"), models, workers=1) as parts:
        yield parts


async def begun(rig: Rig, model: str) -> tuple[Witness, asyncio.Task[None]]:
    """A reader whose answer is in the hands of the upstream."""
    witness = Witness(rig.stack.url, await cookie(rig.stack.url), model)
    reading = asyncio.create_task(witness.read())

    async def asked() -> bool:
        return any(witness.prompt == r.messages[-1]["content"] for r in rig.stack.upstream.requests(model))

    await await_until(asked, 10, "the upstream is asked")
    return witness, reading


async def assert_stopped(rig: Rig, witness: Witness, stopped_at: float, upstream_secs: float) -> None:
    """It ended as cancelled, in time, everywhere."""
    findings = await asyncio.to_thread(check, rig.stack, [witness])
    assert not findings.counts, findings.table()
    assert findings.statuses == {"cancelled": 1}
    (request,) = [
        r for r in rig.stack.upstream.requests(witness.model) if witness.prompt == r.messages[-1]["content"]
    ]
    assert request.aborted
    assert request.ended_at is not None
    assert request.ended_at - stopped_at < upstream_secs


@pytest.mark.parametrize("model", [MUTE, FIRST, STREAMING, STALLED])
async def test_stop_while_the_upstream_is_mute_silent_streaming_or_stalled(rig: Rig, model: str) -> None:
    witness, reading = await begun(rig, model)
    stopped_at = time.time()
    await witness.cancel()
    await asyncio.wait_for(reading, 5)
    assert (witness.ended_at or 0) - stopped_at < ON_SCREEN_SECS
    await assert_stopped(rig, witness, stopped_at, UPSTREAM_SECS)


async def test_stop_after_a_reload_from_another_socket(rig: Rig) -> None:
    witness, reading = await begun(rig, STREAMING)
    reloaded = Witness(
        witness.url, witness.session, STREAMING, witness.prompt, response_id=witness.response_id
    )
    again = asyncio.create_task(reloaded.read())
    await await_until(_heard(reloaded), 5, "the reloaded page has the answer")
    witness.hang_up()
    stopped_at = time.time()
    await reloaded.cancel()
    await asyncio.wait_for(again, 5)
    assert (reloaded.ended_at or 0) - stopped_at < ON_SCREEN_SECS
    await asyncio.wait_for(reading, 10)
    await assert_stopped(rig, reloaded, stopped_at, UPSTREAM_SECS)


def _heard(witness: Witness) -> Condition:
    async def heard() -> bool:
        return witness.is_listening

    return heard


async def test_stop_in_the_same_instant_as_the_end_has_one_winner(rig: Rig) -> None:
    """Each is stopped around its last word, some before and some after it."""
    async with crowd(rig, [BRIEF] * RACES) as witnesses:

        async def stop(witness: Witness, words: int) -> None:
            heard = _has_heard(witness, words) if words <= LAST_WORD else all_ended([witness])
            await await_until(heard, 10, "so many words, or the end")
            await witness.cancel()

        await asyncio.gather(*(stop(witness, 10 + number % 12) for number, witness in enumerate(witnesses)))
        await await_until(all_ended(witnesses), 10, "all have ended")
    findings = await asyncio.to_thread(check, rig.stack, witnesses)
    assert not findings.counts, findings.table()
    assert findings.statuses["completed"] + findings.statuses["cancelled"] == RACES
    assert len(findings.statuses) == 2, "no race was near the end"


@pytest.mark.parametrize("terminate", [False, True], ids=["Revoke", "Terminate"])
async def test_flower_stops_a_running_answer(rig: Rig, terminate: bool) -> None:
    port = ports.pick_free()
    command = (
        sys.executable,
        "-m",
        "celery",
        "-A",
        "project",
        "flower",
        f"--address={HOST}",
        f"--port={port}",
    )
    flower = rig.stack.start("flower", *command, "--basic-auth=user:secret")
    wait_until(lambda: answers(f"http://{HOST}:{port}/healthcheck"), 30, "Flower answers")
    witness, reading = await begun(rig, STREAMING)
    await await_until(_heard(witness), 5, "the answer has begun")
    stopped_at = time.time()
    request = urllib.request.Request(
        f"http://{HOST}:{port}/api/task/revoke/{witness.response_id}",
        data=b"terminate=true" if terminate else b"",
        headers={"Authorization": "Basic " + base64.b64encode(b"user:secret").decode()},
    )
    with await asyncio.to_thread(urllib.request.urlopen, request) as reply:
        assert reply.status == 200
    await asyncio.wait_for(reading, 10)
    await assert_stopped(rig, witness, stopped_at, FLOWER_SECS)
    await asyncio.to_thread(flower.stop)
    assert rig.stack.processes[rig.workers[0]].popen.poll() is None


async def test_stop_while_its_worker_is_dead_is_final(rig: Rig) -> None:
    witness, reading = await begun(rig, STREAMING)
    await await_until(_heard(witness), 5, "the answer has begun")
    await asyncio.to_thread(rig.kill_worker, rig.workers[0])
    stopped_at = time.time()
    await witness.cancel()
    await asyncio.wait_for(reading, 5)
    assert (witness.ended_at or 0) - stopped_at < ON_SCREEN_SECS
    await asyncio.to_thread(rig.wait_for_worker, rig.start_worker())
    await assert_stopped(rig, witness, stopped_at, UPSTREAM_SECS)


async def test_stop_in_the_queue_is_final(rig: Rig) -> None:
    assert await asyncio.to_thread(rig.stop_worker, rig.workers[0]) == 0
    witness = Witness(rig.stack.url, await cookie(rig.stack.url), QUEUED)
    reading = asyncio.create_task(witness.read())
    await await_until(_heard(witness), 5, "it waits in the queue")
    stopped_at = time.time()
    await witness.cancel()
    await asyncio.wait_for(reading, 5)
    assert (witness.ended_at or 0) - stopped_at < ON_SCREEN_SECS
    await asyncio.to_thread(rig.wait_for_worker, rig.start_worker())
    await await_until(_is_skipped(rig, witness), 10, "the worker has seen the message, and left it")
    findings = await asyncio.to_thread(check, rig.stack, [witness])
    assert not findings.counts, findings.table()
    assert findings.statuses == {"cancelled": 1}
    assert not [r for r in rig.stack.upstream.requests(QUEUED) if r.messages[-1]["content"] == witness.prompt]


def _has_heard(witness: Witness, words: int) -> Condition:
    async def heard() -> bool:
        return words_of(witness) >= words or witness.ended_at is not None

    return heard


def _is_skipped(rig: Rig, witness: Witness) -> Condition:
    async def skipped() -> bool:
        said = rig.stack.processes[rig.workers[0]].said().splitlines()
        return any(str(witness.response_id) in line and "'status': 'skipped'" in line for line in said)

    return skipped
