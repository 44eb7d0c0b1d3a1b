"""The figures of a running answer after a reload: true, or absent."""

import re

from playwright.async_api import Page, expect

from tests.browser.visitor import ask
from tests.harness.stack import Stack

# the page's clock is an hour ahead
AHEAD = "{ const { now } = Date; Date.now = () => now() + 3_600_000; }"
LATE = "[wait-5+words-20+hold-after-10]"
BEGUN = "[words-20+hold-after-10]"


async def test_a_reload_before_the_first_text_keeps_its_time_on_any_clock(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, LATE)
    await expect(turn).to_have_attribute("data-status", "in_progress")
    await page.add_init_script(AHEAD)
    await page.reload()
    figures = turn.locator(".stats")
    await expect(figures).to_have_text(re.compile(r"^scripted · first text after (\d+(\.\d)?) s"))
    found = re.search(r"after ([\d.]+) s", await figures.inner_text())
    assert found
    assert float(found[1]) >= 4.5
    stack.upstream.release(LATE)


async def test_a_reload_after_the_first_text_shows_no_time_of_it(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, BEGUN)
    await expect(turn.locator(".stats")).to_contain_text("first text after")
    await page.reload()
    await expect(turn.locator(".output")).to_contain_text("w8")
    await expect(turn.locator(".stats")).to_have_text("scripted")
    stack.upstream.release(BEGUN)
