"""Servers and configurations of the field on the page: text, sentence, and whether Retry is offered."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from chat.protocol.errors import FAILURES
from tests.browser.conftest import EXPECT_SECS, in_session, profile
from tests.browser.visitor import ask_here, ended, open_page
from tests.browser.watch import Watch
from tests.harness.model_servers import LEARNING, LONG_TALK, ROWS, SILENT, Row, model_servers
from tests.harness.stack import Stack
from tests.harness.waiting import deadline, patience

TEXT_SECS = 5  # after the status
ENDED = re.compile("completed|incomplete|failed|refused")
OTHER = "Choose another model, or contact the operator of this site."
AGAIN = "Try again; it may work now."
REST = "The text so far is kept. Try again for the whole answer."
HELP = {
    "upstream_no_credit": OTHER,
    "upstream_wrong_address": OTHER,
    "upstream_error": AGAIN,
    "empty_answer": AGAIN,
    "upstream_cut": REST,
    "timeout_first_token": "Try again, or ask for something shorter.",
    "context_length_exceeded": "Start a new conversation, or choose a model with a larger context.",
}
ONLY_REASONED = (
    "Cut off: the whole length limit went into reasoning, and no answer was written.",
    "Raise the longest answer in the settings beside the model, ask for something simpler, or choose another"
    " model.",
)
NO_TEXT = "Cut off: the answer reached its length limit before any text.", ONLY_REASONED[1]
OMITTED = re.compile(
    r"^The model did not read the (oldest question and its answer|\d oldest questions and answers): "
    r"the conversation is longer than it can take\.$"
)
CUT_OFF = "Cut off: the answer reached its length limit."
OTHER_WORDS = "Word your question differently, or choose another model."
FILTERED = "Cut off by the content filter."
FILTERED_WHOLE = "The content filter stopped this answer before its first word."
REFUSED = "The model refused to answer."
# one of each end of each case
SHOWN = {
    (row.case, row.code, row.reason): row for row in reversed([*(row for row, _ in LEARNING), *ROWS, SILENT])
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Tailrace with a model for each kind of server."""
    with model_servers(tmp_path_factory.mktemp("servers")) as stack:
        yield stack


@in_session(scope="module")
async def opened(chromium: Browser, servers: Stack) -> AsyncIterator[Page]:
    """One page for all rows: each begins a conversation."""
    expect.set_options(timeout=deadline(EXPECT_SECS) * 1000)
    watch = await Watch.over(await profile(chromium))
    page = await watch.context.new_page()
    await open_page(page, servers)
    yield page
    await watch.context.close()
    assert (watch.errors, watch.violations) == ([], [])


@pytest.mark.parametrize("row", SHOWN.values(), ids=str)
async def test_the_page_says_how_the_response_ended(opened: Page, row: Row) -> None:
    await opened.locator("#create").click()
    await expect(opened.locator("#welcome")).to_be_visible()
    turn = await ask_here(opened, row.prompt, row.model)
    await expect(turn).to_have_attribute("data-status", ENDED)
    assert await turn.get_attribute("data-status") == row.status
    found = [await turn.locator(part).text_content() for part in (".state", ".error-help")]
    assert tuple(found) == sentences(row)
    assert await turn.get_by_role("button", name="Retry").is_visible() == (row.status == "failed")
    for part, text in ((".output", row.text), (".reasoning", row.reasoning)):
        await expect(turn.locator(part)).to_have_text(spread(text), timeout=TEXT_SECS * patience() * 1000)


async def test_the_reader_learns_that_old_turns_were_left_out(opened: Page) -> None:
    await opened.locator("#create").click()
    await expect(opened.locator("#welcome")).to_be_visible()
    for prompt in LONG_TALK:
        turn = await ask_here(opened, prompt, "small")
        await ended(turn)
    omitted = opened.locator(".omitted")
    await expect(omitted.first).to_have_text("")
    await expect(omitted.last).to_have_text(OMITTED)


def sentences(row: Row) -> tuple[str, str]:
    """The expected sentences below the answer: how it ended, and the remedy."""
    if row.code:
        return FAILURES[row.code], HELP[row.code]
    if row.reasoning and not row.text:
        return ONLY_REASONED
    if row.reason == "content_filter":
        return (FILTERED if row.text else FILTERED_WHOLE), OTHER_WORDS
    if row.reason:
        return (CUT_OFF, "") if row.text else NO_TEXT
    return (REFUSED, OTHER_WORDS) if row.script == "dialect-openai-refusal" else ("", "")


def spread(text: str) -> re.Pattern[str]:
    """Match the text; there is none of its white space between two paragraphs."""
    return re.compile(r"^\s*" + r"\s*".join(map(re.escape, text.split())) + r"\s*$")
