"""Cancel stops the upstream, and shows on screen, by notifications, in every phase."""

from collections.abc import Iterator

import pytest

from tests.faults.harness import WITHOUT_FALLBACKS
from tests.harness.socket_client import cookie, text_of, visiting
from tests.harness.stack import MODELS, Stack, running
from tests.harness.waiting import wait_until


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A separate Tailrace, in which only notifications stop an answer."""
    with running(tmp_path_factory.mktemp("stop"), 1, None, MODELS, **WITHOUT_FALLBACKS) as parts:
        yield parts


@pytest.mark.parametrize(
    ("prompt", "begun"),
    [
        ("[words-200@40] stopped", "response.output_text.delta"),
        ("[stall-after-5@50] stopped", "response.output_text.delta"),
        ("[no-reply] stopped", "response.in_progress"),
    ],
    ids=["streaming", "stalled", "before the first byte"],
)
async def test_stop_ends_the_answer_and_closes_the_upstream(stack: Stack, prompt: str, begun: str) -> None:
    async with visiting(stack.url) as visitor:
        await visitor.create(prompt)
        response_id = (await visitor.until(begun))[0]["response"]["id"]
        wait_until(lambda: stack.upstream.requests(prompt), 5, "the upstream is asked")
        await visitor.send({"type": "tailrace:cancel", "response_id": response_id})
        last = (await visitor.until("response.incomplete", "response.completed", "response.failed"))[-1]
    assert (last["type"], last["response"]["status"]) == ("response.incomplete", "cancelled")
    assert stack.upstream.wait_for_end(prompt).aborted
    assert stack.settled(response_id)["status"] == "cancelled"


async def test_the_text_so_far_is_kept(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        await visitor.create("[stall-after-5@50]")
        events = await visitor.until("response.output_text.delta")
        while text_of(events) != "w0 w1 w2 w3 w4":
            events.append(await visitor.next())
        response_id = events[0]["response"]["id"]
        await visitor.send({"type": "tailrace:cancel", "response_id": response_id})
        last = (await visitor.until("response.incomplete"))[-1]
    kept = last["response"]["output"][0]["content"][0]["text"]
    assert kept == "w0 w1 w2 w3 w4"
    assert stack.settled(response_id)["output"] == kept


async def test_another_tab_can_stop_it_and_a_second_stop_is_no_error(stack: Stack) -> None:
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as asker, visiting(stack.url, session) as other:
        await asker.create("[words-200@40]")
        response_id = (await asker.until("response.output_text.delta"))[0]["response"]["id"]
        for _ in range(2):
            await other.send({"type": "tailrace:cancel", "response_id": response_id})
        last = (await asker.until("response.incomplete"))[-1]
        assert last["response"]["status"] == "cancelled"
        await other.send({"type": "tailrace:subscribe", "response_id": response_id})
        assert (await other.next())["type"] == "tailrace:snapshot"


async def test_another_user_cannot_stop_it(stack: Stack) -> None:
    async with visiting(stack.url) as asker, visiting(stack.url) as stranger:
        await asker.create()
        response_id = (await asker.next())["response"]["id"]
        await stranger.send({"type": "tailrace:cancel", "response_id": response_id})
        refusal = await stranger.next()
        assert (refusal["status"], refusal["error"]["code"]) == (404, "response_not_found")
        await asker.until("response.completed")
