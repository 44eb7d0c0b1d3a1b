"""A conversation as a tree: other answers, other questions, and walking between them."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.visitor import ask, ask_here, beside, ended, open_page, refuse_socket, until
from tests.harness.stack import Stack
from tests.harness.upstream import text_of

FAILS_ONCE = "[cut-after-5+times-1]"
CONTINUED = "[wait-2+words-80+hold-after-10+times-1]"


def place(turn: Locator) -> Locator:
    """Where the reader is among the siblings."""
    return turn.locator(".branches:visible .place")


async def test_regenerated_and_edited_turns_are_walked_by_keyboard(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    turns = page.locator("article.turn")
    first = await ask_here(page, "[echo] one")
    await ended(first)
    await ended(await ask_here(page, "[echo] two"))
    await expect(place(turns.first)).to_have_count(0)

    await turns.first.get_by_role("button", name="Regenerate").click()
    await expect(turns).to_have_count(1)
    await expect(place(turns.first)).to_have_text("2/2")
    await ended(turns.first)
    await expect(turns.first.locator(".output")).to_have_text("one")

    await turns.first.get_by_role("button", name="Edit").click()
    editor = turns.first.get_by_role("textbox", name="Edit your message")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_value("[echo] one")
    await page.keyboard.press("Escape")
    await expect(turns.first.get_by_role("button", name="Edit")).to_be_focused()
    await page.keyboard.press("Enter")
    await editor.fill("[echo] three")
    await page.keyboard.press("Enter")
    await expect(place(turns.first)).to_have_text("3/3")
    await ended(turns.first)
    await expect(turns.first.locator(".output")).to_have_text("three")

    await turns.first.get_by_role("button", name="Previous version").locator("visible=true").focus()
    await page.keyboard.press("Enter")
    await expect(place(turns.first)).to_have_text("2/3")
    await expect(turns.first.locator(".input")).to_have_text("[echo] one")
    await page.keyboard.press("Enter")
    await expect(place(turns.first)).to_have_text("1/3")
    await expect(turns).to_have_count(2)
    await expect(turns.last.locator(".input")).to_have_text("[echo] two")

    await page.reload()
    await expect(place(turns.first)).to_have_text("3/3")
    await expect(turns.first.locator(".output")).to_have_text("three")
    await ended(await ask_here(page, "[echo] four"))
    await expect(turns.locator(".input")).to_have_text(["[echo] three", "[echo] four"])


async def test_a_failure_shows_its_help_and_is_retried_as_a_sibling(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, FAILS_ONCE)
    await ended(turn, "failed")
    await expect(turn.locator(".error-help")).to_have_text(
        "The text so far is kept. Try again for the whole answer."
    )
    await expect(turn.locator(".output")).to_have_text("w0 w1 w2 w3 w4")
    await turn.get_by_role("button", name="Retry").click()
    await expect(place(turn)).to_have_text("2/2")
    await ended(turn)
    await expect(turn.locator(".error-help")).to_be_hidden()
    await expect(turn.get_by_role("button", name="Retry")).to_be_hidden()
    await turn.get_by_role("button", name="Previous version").locator("visible=true").click()
    await ended(turn, "failed")
    await expect(turn.locator(".output")).to_have_text("w0 w1 w2 w3 w4")


async def test_a_lost_worker_is_shown_and_the_text_continues(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, CONTINUED, "scripted-continued")
    await turn.evaluate(
        """turn => {
            window.states = [];
            const state = turn.querySelector(".state");
            new MutationObserver(() => states.push(state.textContent)).observe(state, { childList: true });
        }"""
    )
    await expect(turn.locator(".output")).to_contain_text("w5 ")
    response_id = await turn.get_attribute("data-response-id")
    assert response_id
    lost = stack.holder(response_id)
    stack.processes[lost].kill()
    first = await turn.locator(".output p").element_handle()
    assert first
    await until(page, "states.includes('Worker lost, continuing…')", 20)
    stack.start_worker(lost)
    await ended(turn)
    await expect(turn.locator(".state")).to_have_text(
        re.compile(r"^The worker was lost; another one took over after \d+(\.\d)? s\.$")
    )
    await expect(turn.locator(".output")).to_have_text(text_of(CONTINUED))
    assert await first.evaluate("element => element.isConnected")
    stack.wait_for_workers(2)
    await page.reload()
    await expect(turn.locator(".state")).to_have_text(
        "A worker was lost while it wrote this answer; another one took over."
    )


async def test_only_the_last_answer_can_be_continued_also_after_another_tab_has_asked(
    page: Page, stack: Stack
) -> None:
    first = await ask(page, stack, "[length-5] one")
    await ended(first, "incomplete")
    other = await beside(page.context, page.url)
    await refuse_socket(page)
    await page.reload()
    resume = first.get_by_role("button", name="Continue")
    await expect(resume).to_be_visible()
    await ended(await ask_here(other, "[length-5] two"), "incomplete")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.locator("article.turn")).to_have_count(2)
    await expect(resume).to_be_hidden()
    await expect(page.locator("article.turn").last.get_by_role("button", name="Continue")).to_be_visible()
