"""A long, fast answer leaves the page responsive: no long task, nothing moves, memory is bounded.

With FULL_LENGTH set it has 20,000 tokens, which take 40 s; else a fifth of that.
"""

import os

from playwright.async_api import Browser, Page, expect

from tests.browser.measures import Measures, Stats
from tests.browser.visitor import ask_here, ended, open_page
from tests.harness.stack import Stack
from tests.harness.waiting import await_until, patience

TOKENS = 20_000 if os.environ.get("FULL_LENGTH") else 4_000
PROMPT = f"[article-{TOKENS}@500]"
LONGEST_TASK_MS = 100
SHIFT = 0.03  # on a busy machine the foot of the turn moves down while the first screen fills: 0.01
HEAP_MB = 12 + TOKENS / 1000  # the page, and a kilobyte for each token: its text, and the nodes that show it
NODES = 1000 + TOKENS
SLOW = """() => new Promise((done) => setTimeout(() => {
  for (const end = performance.now() + 120; performance.now() < end; );
  done();
}))"""


async def watched(browser: Browser, stack: Stack) -> Stats:
    """Read one long answer on a fresh page, from its first word to its last."""
    page = await browser.new_page()
    measures = await Measures.of(page)
    await open_page(page, stack)
    await measures.begin()
    turn = await ask_here(page, PROMPT)
    await expect(turn.locator(".output")).to_contain_text("water mill")
    await ended(turn)
    stats = await measures.stats()
    await page.close()
    print(f"\n{TOKENS} tokens at 500 per second: {stats}")
    return stats


async def test_a_long_fast_answer_leaves_the_page_responsive(browser: Browser, stack: Stack) -> None:
    stats = await watched(browser, stack)
    assert stats.longest_task_ms < LONGEST_TASK_MS * patience()  # others' work interrupts tasks
    assert stats.shift < SHIFT, stats.moved
    assert stats.heap_mb < HEAP_MB
    assert stats.nodes < NODES


async def test_the_measures_see_a_long_task_and_a_shift(page: Page, stack: Stack) -> None:
    measures = await Measures.of(page)
    await open_page(page, stack)
    await measures.begin()
    await page.evaluate(SLOW)
    await page.evaluate("document.querySelector('main').style.paddingBlockStart = '200px'")
    await await_until(lambda: both_seen(measures), 20, "the task and the shift")


async def both_seen(measures: Measures) -> bool:
    """Whether a long task and a shift were reported; they are some time after they happened."""
    stats = await measures.stats()
    return stats.longest_task_ms > LONGEST_TASK_MS and stats.shift > 0
