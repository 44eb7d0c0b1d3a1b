"""Long questions in a real browser: the longest one, the model's context, pasted texts, and speed."""

import pytest
from playwright.async_api import Locator, Page, expect

from chat.protocol.commands import MAX_INPUT_CHARS
from tests.browser.conftest import in_session
from tests.browser.visitor import beside, ended, open_page, refuse_socket, stop_clock
from tests.harness.stack import SMALL_CONTEXT, Stack
from tests.harness.waiting import await_until, patience

# every kind of character: wide, outside the basic plane, combining, right to left, and Markdown
PIECE = 'line {} "quoted" \\ 水 🌊 e\u0301 \u05d0 **x** <b>\n'
PASTE = """(text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  if (document.activeElement.dispatchEvent(event)) document.execCommand("insertText", false, text);
}"""
# ms from a key to the next frame, the slowest of some keys
KEYS = """async () => {
  const box = document.querySelector("#message");
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  let slowest = 0;
  for (let count = 0; count < 5; count += 1) {
    await frame();
    const began = performance.now();
    document.execCommand("insertText", false, "x");
    await frame();
    slowest = Math.max(slowest, performance.now() - began);
  }
  return box.value.endsWith("xxxxx") ? slowest : Infinity;
}"""
KEY_MS = 250  # of the slowest key; it was 1,200 of 15,000 lines with two layouts per key


def longest(script: str) -> str:
    text, number = script, 0
    while len(text) < MAX_INPUT_CHARS:
        text += PIECE.format(number)
        number += 1
    return text[: MAX_INPUT_CHARS - 1] + "z"  # a page trims no text that it sends, a server perhaps


async def is_shown(place: Locator, text: str) -> bool:
    """Whether the page shows a text; as Markdown it has other lines and no asterisks."""
    expected = "".join(text.replace("**x**", "x").split())
    if await place.evaluate("each => each.textContent.length") < len(expected) / 2:  # parts of it are to come
        return False
    return "".join((await place.text_content() or "").split()) == expected


@in_session()
async def box(page: Page, stack: Stack) -> Locator:
    await open_page(page, stack)
    return page.locator("#message")


async def paste(page: Page, text: str) -> None:
    await page.locator("#message").focus()
    await page.evaluate(PASTE, text)


async def test_the_longest_question_arrives_byte_for_byte_is_folded_copied_and_edited(
    page: Page, box: Locator, stack: Stack
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = longest("[words-3] The longest\n")
    await page.context.set_offline(True)
    await paste(page, text)
    await expect(page.locator("#count")).to_have_text("400,000 of 400,000 characters")
    await box.press("Enter")
    turn = page.locator("article.turn")
    await expect(turn).to_have_attribute("data-status", "unsent")
    await page.context.set_offline(False)
    await ended(turn)
    asked = [each for each in stack.upstream.requests() if each.prompt.startswith("[words-3] The longest")]
    assert [each.messages[-1]["content"] == text for each in asked] == [True]

    await page.reload()
    await ended(turn)
    shown, unfold = turn.locator(".input"), turn.locator(".unfold")
    await expect(unfold).to_have_attribute("aria-expanded", "false")
    assert len(await shown.text_content() or "") < 1_600
    await unfold.press("Enter")
    await expect(unfold).to_have_attribute("aria-expanded", "true")
    await await_until(lambda: is_shown(shown, text), 30, "all is shown")
    await unfold.press("Enter")
    assert len(await shown.text_content() or "") < 1_600
    await stop_clock(page)  # "Copied" stays
    await turn.locator(".question").get_by_role("button", name="Copy").click()
    await expect(turn.locator(".question .copy")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == text
    await page.clock.resume()
    await turn.get_by_role("button", name="Edit").click()
    await expect(turn.get_by_role("textbox", name="Edit your message")).to_have_value(text)


async def test_a_message_of_the_greatest_length_survives_reloads_until_it_is_sent(
    page: Page, box: Locator, stack: Stack
) -> None:
    text = longest("[words-3] Kept\n")
    await paste(page, text)
    await refuse_socket(page)
    await page.reload()
    await page.locator("#pasted").get_by_role("button", name="Edit").click()  # the draft
    await expect(box).to_have_value(text)
    await page.locator("#send").click()
    turn = page.locator("article.turn")
    await expect(turn).to_have_attribute("data-status", "unsent")
    await page.reload()
    await turn.locator(".unfold").click()
    await await_until(lambda: is_shown(turn.locator(".input"), text), 30, "all is shown")
    await page.unroute_all()
    again = await beside(page.context, stack.url)
    await ended(again.locator("article.turn"))
    (asked,) = [each for each in stack.upstream.requests() if each.prompt == text]
    assert asked.messages[-1]["content"] == text


async def test_a_model_with_a_small_context_refuses_by_tokens_before_anything_is_sent(
    page: Page, box: Locator
) -> None:
    count, send = page.locator("#count"), page.locator("#send")
    await page.locator("#model").select_option("scripted-small")
    await box.fill("水" * (SMALL_CONTEXT - 8))
    await expect(count).to_have_text("About 1,000 of 1,000 tokens")
    await expect(send).to_be_enabled()
    await box.fill("水" * SMALL_CONTEXT)
    await expect(count).to_have_text("Perhaps too long: about 1,008 tokens, and this model takes 1,000")
    await expect(send).to_be_enabled()
    await box.fill("水" * 2 * SMALL_CONTEXT)
    await expect(count).to_have_text("Too long: about 2,008 tokens, and this model takes 1,000")
    await expect(send).to_be_disabled()
    await page.locator("#model").select_option("scripted")
    await expect(count).to_be_empty()
    await expect(send).to_be_enabled()


async def test_a_long_paste_is_folded_beside_the_box_and_sent_with_it(
    page: Page, box: Locator, stack: Stack
) -> None:
    log = "".join(f"{number} ok\n" for number in range(319)) + "319 failed"
    await box.fill("[words-3] What failed?")
    await paste(page, log.replace("\n", "\r\n"))
    chip = page.locator("#pasted .file-chip")
    await expect(chip).to_contain_text("Pasted text, 320 lines")
    await expect(box).to_have_value("[words-3] What failed?")
    await page.reload()
    await expect(chip).to_have_count(1)
    await paste(page, " short")
    await expect(box).to_have_value("[words-3] What failed? short")
    await box.press("Enter")
    await expect(page.locator("#pasted")).to_be_hidden()
    turn = page.locator("article.turn")
    await ended(turn)
    (asked,) = stack.upstream.requests(f"[words-3] What failed? short\n\n{log}")
    assert asked.messages[-1]["content"].endswith("319 failed")
    await expect(turn.locator(".unfold")).to_have_text("Show all 322 lines")


async def test_a_folded_paste_can_be_edited_in_the_box_or_removed(page: Page, box: Locator) -> None:
    text = "a line\n" * 101
    await paste(page, text)
    await paste(page, text + "another")
    chips = page.locator("#pasted .file-chip")
    await expect(chips).to_have_count(2)
    await expect(page.locator("#send")).to_be_enabled()
    await chips.first.get_by_role("button", name="Edit").press("Enter")
    await expect(box).to_have_value(text)
    await expect(box).to_be_focused()
    await expect(chips).to_have_count(1)
    await chips.get_by_role("button", name="Remove").press("Enter")
    await expect(box).to_be_focused()
    await expect(page.locator("#pasted")).to_be_hidden()
    await expect(box).to_have_value(text)


@pytest.mark.parametrize(
    "text", ["a\n" * 15_000, "The river is two metres deep. " * 5_400], ids=["15,000 lines", "160 KB"]
)
async def test_typing_below_a_long_text_stays_fast(page: Page, box: Locator, text: str) -> None:
    await paste(page, text)
    await page.locator("#pasted").get_by_role("button", name="Edit").click()
    await expect(box).to_have_value(text)
    await box.press("Control+End")
    slowest = await page.evaluate(KEYS)
    print(f"slowest key: {slowest:.0f} ms")
    assert slowest < KEY_MS * patience()
