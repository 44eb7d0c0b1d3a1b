"""Redis goes away and comes back: nothing hangs, everybody says so, and then all goes on."""

import time
from collections.abc import Iterator

import pytest

from tests.browserless import text_of, visiting
from tests.stack import Stack, running
from tests.upstream.behaviour import text_of as upstream_text
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

TOLD_SECS = 6  # how long a visitor may wait to hear that nothing can be taken


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Tailrace of our own, whose Redis we may stop."""
    with running(tmp_path_factory.mktemp("away"), ["words-30@60", "words-60@20:blip"], workers=1) as parts:
        yield parts


async def test_without_redis_readyz_names_it_and_a_command_hears_that_we_are_busy(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        own.processes["redis"].stop()
        wait_until(lambda: own.readyz()["redis"]["state"] == "away", 5, "readyz notices")
        assert own.readyz()["database"]["state"] == "ok"
        before, begun = own.count_rows(), time.monotonic()
        await visitor.create()
        refusal = await visitor.next()
        assert time.monotonic() - begun < TOLD_SECS
        assert (refusal["type"], refusal["status"], refusal["error"]["code"]) == ("error", 503, "busy")
        assert own.count_rows() == before  # what was refused is not stored
        own.start_redis()
        own.wait_for_workers(1)
        assert (await visitor.answer())[-1]["type"] == "response.completed"


async def test_an_answer_goes_on_after_redis_was_restarted_in_the_middle(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        await visitor.create("words-60@20:blip")
        events = await visitor.until("response.output_text.delta")
        own.processes["redis"].stop()
        own.start_redis()
        events += await visitor.until("response.completed", "response.failed")
    assert text_of(events) == upstream_text("words-60")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert len(own.upstream.requests("words-60@20:blip")) == 1
