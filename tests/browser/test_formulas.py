"""Formulas are typeset in the page; a hostile one stays text, covers nothing and freezes nothing."""

import asyncio
from typing import Any

from playwright.async_api import Browser, Page, Route, expect

from tests.browser.axe import findings, page_for_axe
from tests.browser.conftest import profile
from tests.browser.measures import Measures
from tests.browser.visitor import open_page, until
from tests.browser.watch import Watch
from tests.harness.stack import Stack
from tests.harness.waiting import patience

# an answer with each formula between words: a display formula between paragraphs, the others in one
SHOW = """async (formulas) => {
  const { typeset } = await import("/static/chat/markdown/formulas.js");
  const output = document.createElement("div");
  output.className = "markdown"; // of an answer, its reasoning or a question
  document.querySelector("#welcome").hidden = true;
  document.querySelector("#turns").append(output);
  for (const [source, display] of formulas) {
    const holder = Object.assign(document.createElement("span"), { textContent: `$${source}$` });
    const paragraph = document.createElement("p");
    output.append(paragraph);
    paragraph.append("before ");
    if (display) output.append(holder);
    else paragraph.append(holder, " after");
    typeset(holder, source, display);
  }
}"""
QUADRATIC = r"x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}"
LONG = " + ".join(rf"\frac{{a_{{{n}}}}}{{b_{{{n}}}}}" for n in range(60))
TYPESET = "document.querySelectorAll('.formula .katex').length"
# far more macros, parts or letters than a formula of this length shows, or a command that loads or links
REFUSED = {
    "loop": r"\def\a{\a\a}\a",
    "growth": r"\def\a#1{#1#1#1#1}" + r"\a{" * 12 + "x" + "}" * 12,
    "letters": r"\def\a{" + "x" * 900 + "}" + r"\a" * 400,
    "redefinition": r"\renewcommand{\frac}[2]{\frac{#1}{#2}\frac{#1}{#2}}\frac12",
    "link": r"\href{javascript:canary()}{x}",
    "address": r"\url{https://elsewhere.invalid/}",
    "picture": r"\includegraphics{https://elsewhere.invalid/a.png}",
    "style": r"\htmlStyle{position: fixed; inset: 0}{x}",
    "identifier": r"\htmlId{composer}{x}",
    "million": r"\frac12" * 3_000,
    "nested": "x^{" * 600 + "x" + "}" * 600 + "}",
    "wrong": r"\frac{1}{",
    "unknown": r"\nosuchcommand x",
}
# each is a formula, and shows outside its place as little as possible
SPRAWLING = [
    r"\rule{10000em}{10000em}",
    r"\kern-1000em x \kern-1000em",
    r"\smash{\raisebox{500em}{x}}",
    r"\llap{" + "y" * 300 + "}",
    r"\begin{matrix}" + r"x \\[10000em]" * 3 + r"\end{matrix}",
]


async def show(page: Page, *formulas: tuple[str, bool]) -> None:
    """Put an answer with these formulas into the page."""
    await page.evaluate(SHOW, [list(formula) for formula in formulas])


async def test_formulas_are_typeset_with_their_own_fonts_and_read_aloud(
    page: Page, watch: Watch, stack: Stack
) -> None:
    await open_page(page, stack)
    assert not [each.url for each in watch.requests if "katex" in each.url], "the first load has no KaTeX"
    await show(page, ("a^2 + b^2", False), (QUADRATIC, True), (r"\ce x \text{π}", False))
    await until(page, f"{TYPESET} === 2")
    await expect(page.locator(".formula math")).to_have_count(2)
    await expect(page.locator(".formula.display mfrac")).to_have_count(1)
    await expect(page.locator(".formula").nth(2)).to_have_text(r"$\ce x \text{π}$")
    await until(page, "document.fonts.check('16px KaTeX_Math')")
    hidden = page.locator(".formula .katex-html")
    assert await hidden.evaluate_all("(all) => all.every((each) => each.ariaHidden === 'true')")
    fonts = [each.url for each in watch.requests if "katex/fonts" in each.url]
    assert fonts
    assert all(url.endswith(".woff2") for url in fonts)


async def test_axe_finds_nothing_in_formulas_light_and_dark(browser: Browser, stack: Stack) -> None:
    page = await page_for_axe(browser)
    await page.set_viewport_size({"width": 320, "height": 640})
    await open_page(page, stack)
    await show(page, (LONG, True), (QUADRATIC, True), ("x", False))
    await until(page, f"{TYPESET} === 3")
    assert await findings(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await findings(page) == []


async def test_a_hostile_formula_keeps_its_source(page: Page, watch: Watch, stack: Stack) -> None:
    measures = await Measures.of(page)
    await open_page(page, stack)
    await show(page, ("x", False))
    await until(page, f"{TYPESET} === 1")
    await measures.begin()
    await show(page, *((source, True) for source in REFUSED.values()), ("y", True))
    await until(page, f"{TYPESET} === 2")
    texts = await page.locator(".formula").all_text_contents()
    assert texts[1:-1] == [f"${source}$" for source in REFUSED.values()]
    stats = await measures.stats()
    print(f"hostile formulas: {stats}")
    assert stats.longest_task_ms < 300 * patience()
    assert watch.scripts == []
    assert watch.leaving(stack.url) == []


async def test_a_sprawling_formula_covers_no_other_text(page: Page, stack: Stack) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await open_page(page, stack)
    for source in SPRAWLING:
        await show(page, (source, False), (source, True))
    await until(page, f"{TYPESET} === {2 * len(SPRAWLING)}")
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    reached: list[dict[str, Any]] = await page.locator(".formula .katex").evaluate_all(
        """(all) => all.map((each) => {
          const frame = each.closest(".markdown > *");
          const { top, bottom, left, right } = frame.getBoundingClientRect();
          const cuts = getComputedStyle(frame).overflow === "auto hidden";
          return { cuts, isInside: left >= 0 && right <= 320, height: bottom - top };
        })"""
    )
    assert all(each["cuts"] and each["isInside"] for each in reached)
    assert max(each["height"] for each in reached) < 2000


async def test_a_long_formula_scrolls_in_its_own_box_by_keyboard(page: Page, stack: Stack) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await open_page(page, stack)
    await show(page, (LONG, True), ("x", True))
    await until(page, f"{TYPESET} === 2")
    long, short = page.locator(".formula").first, page.locator(".formula").last
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    assert await long.evaluate("(each) => each.scrollWidth > 2 * each.clientWidth")
    await expect(short).not_to_have_attribute("tabindex", "0")
    await long.focus()
    await long.press("ArrowRight")
    await until(page, "document.querySelector('.formula.display').scrollLeft > 0")


async def test_many_formulas_come_over_several_frames(page: Page, stack: Stack) -> None:
    measures = await Measures.of(page)
    await open_page(page, stack)
    await show(page, ("x", False))
    await until(page, f"{TYPESET} === 1")
    await measures.begin()
    await show(page, *[(QUADRATIC, True)] * 300)
    await until(page, f"{TYPESET} === 301")
    stats = await measures.stats()
    print(f"300 formulas: {stats}")
    assert stats.longest_task_ms < 600 * patience()  # all at once take 2 ms each, and more under load


async def test_a_selected_formula_waits_for_the_end_of_the_selection(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    selected = asyncio.Event()

    async def late(route: Route) -> None:
        await selected.wait()
        await route.continue_()

    await page.route("**/katex.css", late)
    await show(page, ("x", True))
    await page.evaluate("document.getSelection().selectAllChildren(document.querySelector('.formula'))")
    selected.set()
    await show(page, ("y", True))
    await until(page, f"{TYPESET} === 1")
    await expect(page.locator(".formula").first).to_have_text("$x$")
    await page.evaluate("document.getSelection().removeAllRanges()")
    await until(page, f"{TYPESET} === 2")


async def test_without_a_network_the_source_stays_and_is_typeset_later(
    browser: Browser, stack: Stack
) -> None:
    page = await (await profile(browser)).new_page()  # unwatched: a request fails
    await open_page(page, stack)
    await page.route("**/katex.css", lambda route: route.abort())
    async with page.expect_event("requestfailed"):
        await show(page, ("x", False), ("y", False))
    await until(page, "!document.querySelector('link[href*=katex]')")
    await expect(page.locator(".formula").first).to_have_text("$x$")
    await page.unroute("**/katex.css")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await until(page, f"{TYPESET} === 2")
