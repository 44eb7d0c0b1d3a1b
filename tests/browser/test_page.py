"""The page in a real browser: it asks, the text grows, and a reload loses nothing."""

import re

from playwright.async_api import Page, expect

from tests.browser.visitor import ask, ended, whole
from tests.harness.stack import Stack
from tests.harness.upstream import text_of

HELD = "[words-40+hold-after-10] Count for me"
BUSY = re.compile(r"^The model is busy: retrying in \d+ s$")
BEGUN, WHOLE = "w8 ", text_of(HELD)  # the parser may hold the last letter back: it may begin a construct


async def test_the_text_grows_and_a_reload_in_the_middle_shows_the_whole_answer(
    page: Page, stack: Stack
) -> None:
    turn = await ask(page, stack, HELD)
    output = turn.locator(".output")
    await expect(output).to_contain_text(BEGUN)
    await expect(page).to_have_url(re.compile("/conversations/"))
    await page.reload()
    await expect(output).to_contain_text(BEGUN)
    await expect(turn).to_have_attribute("data-status", "in_progress")
    stack.upstream.release(HELD)
    await whole(turn, WHOLE)
    await expect(page.locator("article.turn")).to_have_count(1)
    await expect(turn.locator(".input")).to_have_text(HELD)
    await page.reload()
    await expect(output).to_have_text(WHOLE)


async def test_stop_shows_at_once_and_closes_the_upstream(page: Page, stack: Stack) -> None:
    prompt = "[words-300@20] stop me"
    turn = await ask(page, stack, prompt)
    await expect(turn.locator(".output")).to_contain_text("w3")
    await page.locator("#stop").click()
    await expect(turn).to_have_attribute("data-status", "cancelled")
    assert stack.upstream.wait_for_end(prompt).aborted
    await expect(turn.locator(".output")).to_contain_text("w3")


async def test_a_failure_shows_its_sentence(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[cut-after-5]")
    await ended(turn, "failed")
    await expect(turn.locator(".state")).to_contain_text("ended the answer before it was complete")
    await expect(turn.locator(".output")).to_contain_text("w0 w1 w2 w3 w4")


async def test_a_busy_model_is_counted_down_also_after_a_reload(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[retry-after-20]")
    state = turn.locator(".state")
    await expect(state).to_have_text(BUSY)
    await expect(page.locator("#announcer")).to_have_text("The model is busy: retrying in 20 s.")
    first = int((await state.text_content() or "").split()[-2])
    await expect(state).not_to_have_text(f"The model is busy: retrying in {first} s")
    second = await state.text_content() or ""
    assert BUSY.match(second)
    assert int(second.split()[-2]) < first <= 20
    await page.reload()
    await expect(state).to_have_text(BUSY)
    await page.locator("#stop").click()
    await ended(turn, "cancelled")


async def test_the_text_of_a_busy_model_comes_after_a_reload_in_its_pause(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[retry-after-3+times-1]")
    await expect(page.locator("#announcer")).to_have_text("The model is busy: retrying in 3 s.")
    await page.reload()
    await ended(turn)
    await expect(turn.locator(".output")).to_have_text(text_of("fast"))
    await expect(turn.locator(".state")).to_be_empty()


async def test_the_smallest_page_counts(page: Page, stack: Stack) -> None:
    await page.goto(f"{stack.url}/minimal/")
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("body")).to_contain_text("Number 0")
    await expect(page.locator("body")).to_contain_text("Number 9")
