"""Readers come and go at every place of an answer, and hints are lost: the text is that of the row."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from tests.faults.checker import Story, check
from tests.faults.harness import Rig, rigged
from tests.faults.load import all_end, crowd
from tests.faults.proxy import some_and_the_last
from tests.faults.recording_client import Witness
from tests.harness.socket_client import TERMINAL, Event, cookie, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EVENTS = 300  # at least; a word is an event at this rate
EVERYWHERE = "words-320@50:everywhere"
RANDOM = "words-1500@200:random"
HINTED = "words-100@25:hinted"
RECONNECTS = 300
HINTS_LOST = 0.1
CHECK_SECS = 6  # the regular look at the log finds the lost last hint


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rigged(tmp_path_factory.mktemp("reconnects"), [EVERYWHERE, RANDOM, HINTED]) as parts:
        yield parts


async def rest_after(rig: Rig, session: str, response_id: str, cursor: int) -> list[Event]:
    """What a new socket gets that subscribes after this number, up to the end of the answer."""
    async with visiting(rig.stack.url, session) as visitor:
        command = {"type": "tailrace:subscribe", "response_id": response_id, "starting_after": cursor}
        await visitor.send(command)
        return [event for event in await visitor.until(*TERMINAL) if "sequence_number" in event]


async def test_a_reader_may_come_back_at_every_number_of_an_answer(rig: Rig) -> None:
    session = await cookie(rig.stack.url)
    first = Witness(rig.stack.url, session, EVERYWHERE)
    await first.read()
    whole = [heard.event for heard in first.heard]
    assert len(whole) >= EVENTS
    assert first.response_id is not None
    row = rig.stack.settled(first.response_id)
    for cursor in range(-1, len(whole) - 1):
        rest = await rest_after(rig, session, first.response_id, cursor)
        assert rest == whole[cursor + 1 :]
        assert Story.of(whole[: cursor + 1] + rest).text == row["output"]


async def test_a_reader_may_come_back_at_every_number_while_the_answer_runs(rig: Rig) -> None:
    session = await cookie(rig.stack.url)
    first = Witness(rig.stack.url, session, EVERYWHERE)
    reading = asyncio.create_task(first.read())
    followers: list[asyncio.Task[list[Event]]] = []
    while first.ended_at is None:
        await asyncio.sleep(0)
        while first.response_id is not None and len(followers) <= first.last and first.ended_at is None:
            others = rest_after(rig, session, first.response_id, len(followers) - 1)
            followers.append(asyncio.create_task(others))
            await asyncio.sleep(0.01)  # so many sockets cannot all be opened in one moment
    await reading
    whole = [heard.event for heard in first.heard]
    for cursor, rest in enumerate(await asyncio.gather(*followers), start=-1):
        assert rest == whole[cursor + 1 :]
    assert not (await asyncio.to_thread(check, rig.stack, [first])).counts


async def test_three_hundred_reconnects_at_random_moments_lose_nothing(rig: Rig) -> None:
    """Ten readers of one fast answer each lose their sockets all the time; as often as it takes."""
    dice, hung_up = random.Random(7), 0
    while hung_up < RECONNECTS:
        async with crowd(rig, [RANDOM] * 10, haste=0.02) as witnesses:
            while not all(witness.ended_at for witness in witnesses):
                await asyncio.sleep(dice.random() * 0.03)
                open_now = [w for w in witnesses if w.is_listening]
                if open_now and hung_up < RECONNECTS:
                    dice.choice(open_now).hang_up()
                    hung_up += 1
            findings = await all_end(rig, witnesses, 60)
        assert not findings.counts, findings.table()


async def test_lost_hints_are_made_up_for_from_the_log(rig: Rig) -> None:
    rig.web_to_redis.lose_hints(some_and_the_last(HINTS_LOST, seed=7))
    rig.web_to_redis.break_connections()
    try:
        async with crowd(rig, [HINTED] * 20) as witnesses:
            findings = await all_end(rig, witnesses, 30)
    finally:
        rig.web_to_redis.mend()
        rig.web_to_redis.break_connections()
    assert not findings.counts, findings.table()
    assert findings.statuses == {"completed": 20}
    assert rig.web_to_redis.lost_hints > 20 * 5
    said_at = {r.messages[-1]["content"]: r.ended_at for r in rig.stack.upstream.requests(HINTED)}
    late = [(witness.ended_at or 0) - (said_at[witness.prompt] or 0) for witness in witnesses]
    assert max(late) < CHECK_SECS
