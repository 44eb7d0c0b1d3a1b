"""The web server goes away under many sockets: jobs go on, readers come back one by one and miss nothing."""

import asyncio
import resource
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.faults.harness import Rig, rigged
from tests.faults.load import all_end, crowd
from tests.faults.recording_client import Witness
from tests.harness.waiting import await_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LONG = "words-3000@4:long"  # longer than it takes: it is stopped when all are back
SOCKETS = 500
ANSWERS = 20
END_SECS = 90
TRIES, SECS_PER_TRY = 4, 3  # of each reader at most, on the average: the waits grow to ten seconds
QUARTER_SECS = 0.25
MOST_PER_QUARTER = SOCKETS // 2  # in a quarter of a second: with jitter a crowd spreads


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    with rigged(tmp_path_factory.mktemp("web"), [LONG]) as parts:
        yield parts


def others_of(asked: list[Witness]) -> list[Witness]:
    """More readers of the same answers, of the same visitor, in other tabs."""
    some = [asked[number % len(asked)] for number in range(SOCKETS - len(asked))]
    return [Witness(w.url, w.session, w.model, w.prompt, response_id=w.response_id) for w in some]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_five_hundred_readers_come_back_and_miss_nothing(rig: Rig, how: signal.Signals) -> None:
    async with crowd(rig, [LONG] * ANSWERS) as asked:
        everybody = [*asked, *others_of(asked)]
        readings = [asyncio.create_task(other.read()) for other in everybody[ANSWERS:]]
        await await_until(_all_listen(everybody, 0), END_SECS, "every reader listens")
        went_at = time.time()
        rig.stack.processes["web"].popen.send_signal(how)
        await asyncio.to_thread(rig.stack.processes["web"].popen.wait)
        places = [witness.last for witness in everybody]
        await asyncio.to_thread(rig.start_web)
        await await_until(_all_listen(everybody, went_at), END_SECS, "every reader is back")
        assert all(w.last > place for w, place in zip(everybody, places, strict=True)), "jobs went on"
        for witness in asked:
            await witness.cancel()
        findings = await all_end(rig, everybody, END_SECS)
        for reading in readings:
            reading.cancel()
    assert not findings.counts, findings.table()
    assert findings.statuses == {"cancelled": SOCKETS}
    tries = [at - went_at for witness in everybody for at in witness.sockets if at > went_at]
    assert len(tries) <= SOCKETS * (TRIES + max(tries) / SECS_PER_TRY)
    assert Counter(at // QUARTER_SECS for at in tries).most_common(1)[0][1] <= MOST_PER_QUARTER


def _all_listen(witnesses: list[Witness], since: float) -> Callable[[], Awaitable[bool]]:
    """The condition that everybody has a socket that was opened since then, and has heard something on it."""

    async def listen() -> bool:
        return all(w.is_listening and w.sockets[-1] > since for w in witnesses)

    return listen
