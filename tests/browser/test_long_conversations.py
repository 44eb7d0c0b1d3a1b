"""A conversation of 1,000 turns opens at once, loads upwards without a freeze, and streams as a short one."""

import asyncio
import os
import re

from playwright.async_api import Page, Route, expect

from tests.browser.long import open_long
from tests.browser.measures import Measures
from tests.browser.visitor import ask_here, ended, until
from tests.harness.stack import Stack
from tests.harness.waiting import await_until, deadline, patience

TURNS = 1_000
WORDS = 330  # of an answer: 2.5 KB
LOADED = 200
LOAD_SECS = 2.5
LONGEST_TASK_MS = 100
HEAP_MB = 20  # 200 turns take 5
SHIFT = 0.03  # 0.003; on a busy machine the foot moves down while the first screen fills
TOKENS = 20_000 if os.environ.get("FULL_LENGTH") else 2_000
PROMPT = f"[article-{TOKENS}@500]"
# scrolls up all the time until so many turns are there, and each answer is built; returns seconds
SCROLL_UP = """async ([count, most]) => {
  const began = performance.now();
  const passed = () => (performance.now() - began) / 1000;
  const turns = document.getElementsByClassName("turn");
  const built = (turn) => turn.querySelector(".output").textContent.length > 1000;
  while (turns.length < count || ![...turns].every(built)) {
    if (turns.length < count) scrollBy({ top: -3000, behavior: "instant" });
    await new Promise(requestAnimationFrame);
    if (passed() > most) throw new Error(`${turns.length} turns after ${most} s`);
  }
  return passed();
}"""

SELECT = """(turn) => {
  const text = document.createTreeWalker(turn.querySelector(".output p"), NodeFilter.SHOW_TEXT).nextNode();
  getSelection().setBaseAndExtent(text, 0, text, 6);
  return getSelection().toString();
}"""


async def test_turns_are_loaded_upwards_and_an_answer_arrives_below_them_without_a_long_task(
    page: Page, stack: Stack
) -> None:
    measures = await Measures.of(page)
    await open_long(page, stack, TURNS, WORDS)
    await expect(page.locator("article.turn")).to_have_count(50)
    await measures.begin()
    secs = float(await page.evaluate(SCROLL_UP, [LOADED, deadline()]))
    stats = await measures.stats()
    print(f"\n{LOADED} turns after {secs:.1f} s: {stats}")
    assert secs < LOAD_SECS * patience()
    assert stats.longest_task_ms < LONGEST_TASK_MS * patience()
    assert stats.heap_mb < HEAP_MB

    await page.locator("#latest").click()
    await measures.begin()
    turn = await ask_here(page, PROMPT)
    await expect(turn.locator(".output")).to_contain_text("water mill")
    selected = await turn.evaluate(SELECT)
    await ended(turn)
    stats = await measures.stats()
    print(f"\n{TOKENS} tokens below {LOADED} turns: {stats}")
    assert stats.longest_task_ms < LONGEST_TASK_MS * patience()
    assert stats.shift < SHIFT, stats.moved
    assert await page.evaluate("getSelection().toString()") == selected


async def test_a_turn_in_view_stays_in_its_place_when_earlier_ones_come(page: Page, stack: Stack) -> None:
    await open_long(page, stack, 150, WORDS)
    asked, free = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await free.wait()
        await route.continue_()

    await page.route(re.compile(r"\?before="), hold)
    mark = page.locator("article.turn").first.locator(".input")
    await mark.evaluate("each => each.scrollIntoView({ block: 'center', behavior: 'instant' })")
    await await_until(asked.is_set, 20, "earlier turns are requested")
    place = "each => each.getBoundingClientRect().top"
    before = await mark.evaluate(place)
    free.set()
    await expect(page.locator("article.turn")).to_have_count(100)
    await expect(page.locator("article.turn .output").first).to_contain_text("answer 50")  # built
    mark = page.locator("article.turn").nth(50).locator(".input")
    assert abs(await mark.evaluate(place) - before) < 3
    await page.locator("#latest").click()
    await expect(page.locator("#latest")).to_be_hidden()
    await until(page, "document.documentElement.scrollHeight - innerHeight - scrollY <= 2")


async def test_turns_far_from_the_window_are_found_printed_and_read(page: Page, stack: Stack) -> None:
    await open_long(page, stack, 40, WORDS)
    first = page.locator("article.turn").first
    await expect(first.locator(".output")).to_contain_text("tailrace")  # built
    style = "each => getComputedStyle(each).contentVisibility"
    assert await first.evaluate(style) == "auto"
    assert "answer 0" in await page.locator("main").aria_snapshot()
    await page.emulate_media(media="print")
    assert await first.evaluate(style) == "visible"
    await page.emulate_media(media="screen")
    assert await page.evaluate("find('answer 0', false, false, true)")
    await expect(first.locator(".input")).to_be_in_viewport()
