"""The web server goes away under many sockets: jobs go on, readers come back one by one and miss nothing."""

import asyncio
import resource
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults.crowd import all_end, crowd
from tests.faults.rig import Rig, rigged
from tests.faults.witness import Witness
from tests.waiting import await_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LONG = "words-400@20:long"  # 20 s
SOCKETS = 500
ANSWERS = 20
END_SECS = 90
MOST_TRIES = 5 * SOCKETS  # to connect, while the server is away for some seconds and then busy
QUARTER_SECS = 0.25
MOST_PER_QUARTER = SOCKETS // 2  # in a quarter of a second: with jitter a crowd spreads


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    with rigged(tmp_path_factory.mktemp("web"), [LONG]) as parts:
        yield parts


async def joined(rig: Rig, asked: list[Witness]) -> list[Witness]:
    """More readers of the same answers, of the same visitor, in other tabs."""
    others = []
    for number in range(SOCKETS - len(asked)):
        first = asked[number % len(asked)]
        others.append(
            Witness(first.url, first.session, first.model, first.prompt, response_id=first.response_id)
        )
    return others


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_five_hundred_readers_come_back_and_miss_nothing(rig: Rig, how: signal.Signals) -> None:
    async with crowd(rig, [LONG] * ANSWERS) as asked:
        others = await joined(rig, asked)
        readings = [asyncio.create_task(other.read()) for other in others]

        async def all_listen() -> bool:
            return all(other.heard for other in others)

        await await_until(all_listen, END_SECS, "every reader listens")
        began = time.time()
        rig.stack.processes["web"].popen.send_signal(how)
        await asyncio.to_thread(rig.stack.processes["web"].popen.wait)
        await asyncio.to_thread(rig.start_web)
        findings = await all_end(rig, [*asked, *others], END_SECS)
        for reading in readings:
            reading.cancel()
    assert not findings.counts, findings.table()
    assert findings.statuses == {"completed": SOCKETS}
    assert all(len(witness.sockets) >= 2 for witness in asked)
    tries = [at - began for witness in [*asked, *others] for at in witness.sockets if at > began]
    assert len(tries) <= MOST_TRIES
    assert Counter(at // QUARTER_SECS for at in tries).most_common(1)[0][1] <= MOST_PER_QUARTER
