"""Everything by keyboard: where Tab goes, and that the reader sees it; the keys of the sheet."""

from itertools import pairwise
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.visitor import READY, ask, ask_here, ended, open_page
from tests.harness.stack import Stack

CODE = "[echo] See:\n\n```python\nx = 1\n```\n\n[more](https://example.org/)"
MOST_STOPS = 60
# of the focused element: its name; whether it is on screen; whether the previous one still looks focused
STOP = """() => {
  const look = (each) => {
    const { outline, boxShadow, borderColor, backgroundColor } = getComputedStyle(each);
    return [outline, boxShadow, borderColor, backgroundColor].join();
  };
  const here = document.activeElement;
  const around = [here, here.parentElement, here.closest("form") ?? here];
  const before = globalThis.lastStop;
  globalThis.lastStop = { around, looks: around.map(look).join() };
  const { left, right, top, bottom } = here.getBoundingClientRect();
  const isInside = right > 0 && left < innerWidth && bottom > 0 && top < innerHeight;
  return {
    name: here === document.body ? "" : here.id || here.value || here.ariaLabel || here.textContent.trim(),
    seen: isInside && here.checkVisibility({ opacityProperty: true }),
    unchanged: before?.around.map(look).join() === before?.looks,
  };
}"""
ORDER = [
    "Skip to your message",
    "Tailrace",
    "create",
    "search",
    "[echo] See: ```python x = 1 ``` [more](https://example.org/)",
    "system",
    "shortcuts-open",
    "Export everything",
    "delete-all-open",
    "Sign in",
    "sidebar-toggle",
    "share",
    "Copy",  # of the question's code
    "Code",
    "more example.org",
    "Edit",
    "Copy",
    "Copy",  # of the answer's code
    "Code",
    "more example.org",
    "Copy",
    "Regenerate",
    "message",
    "attach",
    "model",
    "settings-open",
    "send",
    "",
]


async def stops(page: Page) -> list[dict[str, Any]]:
    """Where Tab goes, from the beginning of the page until it has left it."""
    found: list[dict[str, Any]] = []
    await page.locator(".skip").focus()
    while not found or found[-1]["name"]:
        assert len(found) < MOST_STOPS, found
        found.append(await page.evaluate(STOP))
        await page.keyboard.press("Tab")
    return found


async def test_tab_walks_the_page_in_its_order_and_each_stop_is_seen(page: Page, stack: Stack) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await ended(await ask(page, stack, CODE))
    await page.locator("#message").fill("a draft, so that it can be sent")
    found = await stops(page)
    assert [each["name"].split(" “")[0] for each in found] == ORDER
    assert [each["name"] for each in found[:-1] if not each["seen"]] == []
    unmarked = [before["name"] for before, after in pairwise(found) if after["unchanged"]]
    assert unmarked == ["message"], "it has the caret; the composer's ring stays for the button beside it"
    await page.locator(".skip").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#message")).to_be_focused()


async def test_the_keys_of_the_sheet_do_what_it_says(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    for question in ("Older", "Newer"):
        await page.locator("#create").click()
        await ended(await ask_here(page, question))
    await page.keyboard.type("?n")  # while typing
    await expect(page.locator("#message")).to_have_value("?n")
    await page.locator("#message").fill("")
    await page.locator("#message").blur()
    await page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(sheet).to_be_visible()
    await page.keyboard.press("n")
    await expect(page.locator("#welcome")).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await page.keyboard.press("j")
    await expect(page.locator(".input")).to_have_text("Older")
    await page.keyboard.press("k")
    await expect(page.locator(".input")).to_have_text("Newer")
    await page.keyboard.press("b")
    await expect(page.locator("#sidebar")).to_be_hidden()
    await page.reload()
    await expect(page.locator("#sidebar")).to_be_hidden()
    await page.locator("#message").blur()
    await page.keyboard.press("b")
    await expect(page.locator("#sidebar")).to_be_visible()
    await page.keyboard.press("n")
    await expect(page.locator("#welcome")).to_be_visible()
    await expect(page.locator("#message")).to_be_focused()
    await page.keyboard.press("Control+k")  # also while writing
    await expect(page.locator("#search")).to_be_focused()


async def test_the_up_arrow_edits_the_last_question_from_an_empty_message(page: Page, stack: Stack) -> None:
    await ended(await ask(page, stack, "First words"))
    await page.locator("#message").fill("a draft")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#message")).to_be_focused()
    await page.locator("#message").fill("")
    await page.keyboard.press("ArrowUp")
    editor = page.get_by_role("textbox", name="Edit your message")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_value("First words")


async def test_single_keys_can_be_switched_off(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    await page.get_by_role("button", name="Shortcuts").click()
    await page.get_by_role("checkbox", name="Single keys").uncheck()
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(page.locator("#connection")).to_have_attribute("data-state", READY)
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("b")
    await expect(page.locator("#sidebar")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.locator("#shortcuts")).to_be_hidden()
