"""Finished code is coloured in place: its text stays the same, a selection delays it, long code is plain."""

from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import findings, page_for_axe
from tests.browser.measures import Measures
from tests.browser.visitor import open_page
from tests.browser.watch import Watch
from tests.harness.stack import Stack
from tests.harness.waiting import patience

# each code as a finished block of an answer, in pieces as it arrives; returns the texts once all are coloured
SHOW = """async (codes) => {
  const { colour } = await import("/static/chat/markdown/code_colours.js");
  const { GrowingText } = await import("/static/chat/markdown/growing_text.js");
  document.querySelector("#welcome").hidden = true;
  const output = Object.assign(document.createElement("div"), { className: "output" });
  document.querySelector("#turns").append(output);
  globalThis.colouring = Promise.all(codes.map(([language, text]) => {
    const block = Object.assign(document.createElement("div"), { className: "code-block" });
    const pre = document.createElement("pre");
    Object.assign(pre, { tabIndex: 0, ariaLabel: "Code", role: "group" });
    const code = document.createElement("code");
    output.append(block);
    block.append(pre);
    pre.append(code);
    const growing = new GrowingText(code);
    for (const piece of text.match(/[^]{1,7}/g)) growing.append(piece);
    return colour(code, language);
  }));
}"""
TEXTS = """async () => {
  await colouring;
  return [...document.querySelectorAll("#turns code")].map((code) => code.textContent);
}"""
PYTHON = 'def greet(name: str) -> str:\n    return f"Hello {name}"  # twice\n'
LINES = "".join(f"value_{n} = {n}  # the {n}th\n" for n in range(600))  # several blocks of lines
SAMPLES = {
    "python": PYTHON,
    "rust": "fn longest<'a>(x: &'a str) -> &'a str { x } // end\n",
    "html": '<p class="a">it\'s</p><style>p { color: red }</style><script>let a = 1</script>\n',
    "diff": "@@ -1 +1 @@\n-one\n+two\n",
    "yaml": "# a list\n- key: true\n",
    "css": "#a > .b::before { content: 'x'; width: 1px }\n",
    "bash": '$ echo "$HOME" # home\n',
    "markdown": "# Title\n\n**strong** *em* [a](b) `c`\n",
    "windows": "line\r\nline\r\n",
}


async def show(page: Page, *codes: tuple[str, str]) -> None:
    """Put an answer with these blocks into the page."""
    await page.evaluate(SHOW, [list(code) for code in codes])


async def test_code_is_coloured_and_its_text_is_the_same(page: Page, watch: Watch, stack: Stack) -> None:
    await open_page(page, stack)
    assert not [each.url for each in watch.requests if "lowlight" in each.url], (
        "the first load has no colours"
    )
    await show(page, *SAMPLES.items(), ("python", LINES))
    assert await page.evaluate(TEXTS) == [*SAMPLES.values(), LINES]
    code = page.locator("#turns code")
    await expect(code.first.locator(".hljs-keyword")).to_have_text(["def", "return"])
    await expect(code.first.locator(".hljs-comment")).to_have_text("# twice")
    await expect(code.nth(2).locator(".hljs-keyword, .hljs-attribute")).to_have_text(["color", "let"])
    await expect(code.last.locator(".hljs-comment")).to_have_count(600)
    loaded = {
        each.url.rpartition("/")[2].split(".")[0] for each in watch.requests if "languages/" in each.url
    }
    assert {"python", "xml", "css", "javascript"} <= loaded
    assert len(loaded) < 20, "only what is needed"


async def test_selected_code_is_coloured_after_the_selection(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    # the grammar has to come first, so the selection is there before the colours
    select = "getSelection().selectAllChildren(document.querySelector('#turns code'))"
    await page.evaluate(f"codes => ({SHOW})(codes).then(() => {select})", [["python", LINES]])
    selected = await page.evaluate("getSelection().toString()")
    assert selected.strip() == LINES.strip()
    await show(page, ("python", PYTHON))
    await page.evaluate("colouring")
    first = page.locator("#turns code").first.locator(".hljs-comment")
    await expect(first).to_have_count(0)
    assert await page.evaluate("getSelection().toString()") == selected
    await page.evaluate("getSelection().removeAllRanges()")
    await expect(first).to_have_count(600)


async def test_long_and_unknown_code_stays_plain_and_loads_nothing_new(
    page: Page, watch: Watch, stack: Stack
) -> None:
    await open_page(page, stack)
    await show(page, ("python", LINES * 3), ("", PYTHON))
    await page.evaluate("colouring")
    assert not [each.url for each in watch.requests if "lowlight" in each.url]
    await show(page, ("klingon", PYTHON), ("constructor", PYTHON), ("__proto__", PYTHON))
    await page.evaluate("colouring")
    await expect(page.locator("#turns code [class^=hljs]")).to_have_count(0)


async def test_colouring_the_longest_code_takes_no_long_task(page: Page, stack: Stack) -> None:
    measures = await Measures.of(page)
    await open_page(page, stack)
    await show(page, ("python", PYTHON))
    await page.evaluate("colouring")
    await measures.begin()
    await show(page, ("python", (LINES * 3)[:30_000]))
    await page.evaluate("colouring")
    await expect(page.locator("#turns code").last.locator(".hljs-comment")).not_to_have_count(0)
    stats = await measures.stats()
    print(f"30,000 characters of Python: {stats}")
    assert stats.longest_task_ms < 500 * patience()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_coloured_code(
    browser: Browser, stack: Stack, scheme: Literal["light", "dark"]
) -> None:
    page = await page_for_axe(browser)
    await page.emulate_media(color_scheme=scheme)
    await open_page(page, stack)
    await show(page, *SAMPLES.items())
    await page.evaluate("colouring")
    assert await findings(page) == []


async def test_keywords_differ_in_forced_colours(page: Page, stack: Stack) -> None:
    await page.emulate_media(forced_colors="active")
    await open_page(page, stack)
    await show(page, ("python", PYTHON))
    await page.evaluate("colouring")
    await expect(page.locator(".hljs-keyword").first).to_have_css("font-weight", "600")
