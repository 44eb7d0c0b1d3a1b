"""Model text is hostile: it is streamed one character at a time, and nothing of it runs or leaves."""

import asyncio

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.corpus import CORPUS, ELSEWHERE
from tests.browser.watch import Watch
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

SPELLED = "spell@100"  # a few characters per frame, so that constructs are painted half said
AT_ONCE = "spell:at-once"
SPELLED_CHARS = 800  # a longer text comes at once
ANSWER_MS = 60_000  # a dozen answers side by side, on a busy machine

# model text makes no element that loads, runs, restyles or moves; no handler; no address of another scheme;
# no link elsewhere that tells where it was clicked
FINDINGS = """() => {
  const found = [];
  const loads = "script, iframe, object, embed, link, style, base, meta, img, video, audio, source, math";
  const places = /^(href|src|srcset|xlink:href|action|formaction|data|poster|background)$/i;
  const harmless = /^(https?:|mailto:|#|[/](?![/\\\\]))/i;
  for (const each of document.querySelectorAll(".input *, .reasoning *, .output *")) {
    const isBad = [...each.attributes].some(({ name, value }) =>
      /^on/i.test(name) || (places.test(name) && !harmless.test(value)));
    const leads = each.matches("a[href^=http i]") && each.origin !== location.origin;
    const isShy = ["noopener", "noreferrer", "nofollow"].every((word) => each.relList?.contains(word));
    const floats = getComputedStyle(each).position === "fixed";
    if (each.matches(loads) || isBad || (leads && !isShy) || floats) found.push(each.outerHTML);
  }
  if (document.querySelectorAll("#composer").length !== 1) found.push("another #composer");
  return found;
}"""


async def said_back(page: Page, stack: Stack, text: str) -> Locator:
    """Ask for a hostile text, and return the turn once all of it has come back."""
    await page.goto(stack.url)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    model = SPELLED if len(text) <= SPELLED_CHARS else AT_ONCE
    await page.locator("#composer select").select_option(model)
    await page.locator("#composer textarea").fill(text)
    await page.keyboard.press("Enter")
    turn = page.locator("article.turn").last
    await expect(turn).to_have_attribute("data-status", "completed", timeout=ANSWER_MS)
    return turn


async def findings(page: Page, stack: Stack, text: str) -> list[str]:
    """What a hostile text left in the page, while it came and when the page is loaded again."""
    turn = await said_back(page, stack, text)
    await expect(turn.locator(".output")).not_to_be_empty()
    found = list(await page.evaluate(FINDINGS))
    await page.reload()
    await expect(turn).to_have_attribute("data-status", "completed")
    return found + list(await page.evaluate(FINDINGS))


async def test_nothing_of_a_hostile_text_runs_loads_or_leaves(watch: Watch, stack: Stack) -> None:
    pages = [await watch.context.new_page() for _ in CORPUS]
    await watch.context.request.get(stack.url)  # one visitor, before a dozen pages would each make one
    looks = [findings(page, stack, text) for page, text in zip(pages, CORPUS.values(), strict=True)]
    found = dict(zip(CORPUS, await asyncio.gather(*looks), strict=True))
    assert {name: each for name, each in found.items() if each} == {}
    assert watch.scripts == []
    assert watch.leaving(stack.url) == []
    assert len(watch.requests) > len(CORPUS), "the watch sees requests at all"


@pytest.mark.parametrize("call", ["canary('planted')", "alert('planted')"])
async def test_the_watch_hears_of_a_script_that_runs(
    page: Page, watch: Watch, stack: Stack, call: str
) -> None:
    await page.goto(stack.url)
    await page.evaluate(call)
    assert [each.endswith("planted") for each in watch.scripts] == [True]


async def test_the_watch_hears_of_a_request_that_leaves(page: Page, watch: Watch, stack: Stack) -> None:
    await page.goto(stack.url)
    async with watch.context.expect_event("request", lambda request: request.url.startswith(ELSEWHERE)):
        await page.evaluate(f"open('{ELSEWHERE}/')")
    assert watch.leaving(stack.url) == [f"{ELSEWHERE}/"]
