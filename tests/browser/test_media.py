"""Every reader's page: narrow, on paper, without motion, in the system's own colours, from right to left."""

from playwright.async_api import Locator, Page, expect

from tests.browser.corpus import CORPUS
from tests.browser.visitor import ask, ask_here, ended, open_page
from tests.browser.watch import Watch
from tests.harness.stack import Stack

NARROW = {"width": 320, "height": 640}
HEBREW = "טחנת מים פועלת על ידי זרם."
# elements beyond the edge, which can only be read by scrolling sideways
BEYOND = """() => document.scrollingElement.scrollWidth <= innerWidth ? [] : [...document.all]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML.slice(0, 80))"""
# where the first letter stands, as a share of the width of its block: 0 is the left edge, 1 the right one
FIRST_LETTER = """(block) => {
  const text = document.createTreeWalker(block, NodeFilter.SHOW_TEXT).nextNode();
  const range = document.createRange();
  range.setStart(text, 0);
  range.setEnd(text, 1);
  const { left, width } = block.getBoundingClientRect();
  return (range.getBoundingClientRect().left - left) / width;
}"""
MOVING = """() => document.getAnimations().filter((each) => each.playState === "running")
  .map((each) => each.animationName ?? each.transitionProperty)"""


async def test_nothing_is_wider_than_the_narrowest_screen(page: Page, watch: Watch, stack: Stack) -> None:
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a plain dict is a size
    beyond = {}
    for path in ("/", "/accounts/login/", "/minimal/", "/nowhere/"):
        await page.goto(stack.url + path)
        beyond[path] = await page.evaluate(BEYOND)
    for name, prompt in (
        ("answer", "[article-300] How?"),
        ("hostile", f"[spell]\n{CORPUS['long']}"),
        ("nested", f"[spell]\n{CORPUS['nested']}"),
    ):
        await ended(await ask(page, stack, prompt))
        beyond[name] = await page.evaluate(BEYOND)
    await ended(await ask_here(page, "[cut-after-5]"), "failed")
    beyond["failure"] = await page.evaluate(BEYOND)
    assert {name: found for name, found in beyond.items() if found} == {}
    watch.errors = [error for error in watch.errors if "404" not in error]


async def test_on_paper_there_is_the_conversation_and_nothing_to_press(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[article-300] How does a water mill work?")
    await ended(turn)
    await page.emulate_media(media="print")
    await expect(turn.locator(".input")).to_be_visible()
    await expect(turn.locator(".output")).to_be_visible()
    await expect(page.locator("#title")).to_have_text("[article-300] How does a water mill work?")
    for hidden in ("#sidebar", ".dock"):
        await expect(page.locator(hidden)).to_be_hidden()
    await expect(page.get_by_role("button")).to_have_count(0)
    assert await page.locator("#main").evaluate("all => all.getBoundingClientRect().left") == 0
    await page.emulate_media(media="screen")
    await expect(page.locator("#composer")).to_be_visible()


async def test_nothing_moves_for_a_reader_who_wants_no_motion(page: Page, stack: Stack) -> None:
    turn = await ask(page, stack, "[reasoning-20+article-300@20]")
    await expect(turn.locator(".output")).to_contain_text("water mill")
    moving = await page.evaluate(MOVING)
    assert moving, "an answer that is being written moves for the others"
    await page.emulate_media(reduced_motion="reduce")
    assert await page.evaluate(MOVING) == []
    await page.locator("#stop").click()
    await ended(turn, "cancelled")
    assert await page.evaluate(MOVING) == []


async def test_the_systems_own_colours_leave_everything_to_be_seen(page: Page, stack: Stack) -> None:
    await page.emulate_media(forced_colors="active")
    await open_page(page, stack)
    await page.locator("#composer textarea").fill("a draft")
    send = page.locator("#send")
    await send.focus()
    outline = await send.evaluate("(each) => getComputedStyle(each).outlineStyle")
    assert outline != "none", "where the focus is"
    dot = page.locator("#connection .dot")
    colour = await dot.evaluate("(each) => getComputedStyle(each).backgroundColor")
    assert colour not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"), "the state of the connection"


async def test_text_from_right_to_left_begins_at_the_right(page: Page, stack: Stack) -> None:
    english = await ask(page, stack, HEBREW)
    await ended(english)
    await expect(english.locator(".output")).not_to_be_empty()
    assert await english.locator(".input").evaluate(FIRST_LETTER) > 0.5
    assert await (await innermost(english.locator(".output"))).evaluate(FIRST_LETTER) < 0.5
    hebrew = await ask_here(page, f"[echo] {HEBREW}")
    await ended(hebrew)
    await expect(hebrew.locator(".output")).not_to_be_empty()
    assert await (await innermost(hebrew.locator(".output"))).evaluate(FIRST_LETTER) > 0.5


async def innermost(output: Locator) -> Locator:
    """The paragraph of an answer, or the answer itself while it has none."""
    paragraphs = output.locator("p")
    return paragraphs.first if await paragraphs.count() else output
