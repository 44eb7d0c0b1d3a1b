"""The composer in a real browser: lines, growth, drafts, the model, the limit, and a phone."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from chat.protocol.commands import MAX_INPUT_CHARS
from tests.browser.conftest import in_session
from tests.browser.visitor import ask_here, ended, open_page, row
from tests.harness.stack import MODELS, Stack

DEFAULT, OTHER, *_ = MODELS


@in_session()
async def box(page: Page, stack: Stack) -> Locator:
    """Where one writes, on the page of a new guest."""
    await open_page(page, stack)
    return page.locator("#message")


async def height(box: Locator) -> float:
    return float(await box.evaluate("box => box.getBoundingClientRect().height"))


async def test_it_grows_with_its_lines_up_to_a_bound_and_shrinks_again(page: Page, box: Locator) -> None:
    one = await height(box)
    await box.press_sequentially("one")
    await box.press("Shift+Enter")
    await box.press_sequentially("two")
    await expect(box).to_have_value("one\ntwo")
    two = await height(box)
    assert two > one
    await box.fill("line\n" * 200)
    assert two < await height(box) <= 0.4 * 720
    await expect(page.locator("#send")).to_be_in_viewport()
    await box.press("Enter")
    await expect(box).to_have_value("")
    assert await height(box) == one


@pytest.mark.parametrize("confirming", [{"isComposing": True}, {"keyCode": 229}], ids=["others", "Safari"])
async def test_a_line_of_an_input_method_is_not_sent(
    page: Page, box: Locator, confirming: dict[str, Any]
) -> None:
    await box.fill("こんにちは")
    await box.dispatch_event("keydown", {"key": "Enter", **confirming})
    await expect(box).to_have_value("こんにちは")
    await box.dispatch_event("keydown", {"key": "Enter"})
    await expect(page.locator(".input")).to_have_text("こんにちは")


async def test_each_conversation_has_its_draft_and_a_reload_keeps_them(page: Page, box: Locator) -> None:
    turn = await ask_here(page, "First", DEFAULT)
    await expect(turn).to_have_attribute("data-status", "completed")
    await box.fill("for the first")
    await page.locator("#create").click()
    await expect(box).to_have_value("")
    await box.fill("for a new one")
    await page.reload()
    await expect(box).to_have_value("for a new one")
    await row(page, "First").locator("a").click()
    await expect(box).to_have_value("for the first")
    await box.press("Enter")
    await expect(page.locator("article.turn")).to_have_count(2)
    await page.reload()
    await expect(page.locator("article.turn")).to_have_count(2)
    await expect(box).to_have_value("")


async def test_the_model_that_was_chosen_last_is_there_for_the_next_conversation(
    page: Page, box: Locator
) -> None:
    model = page.locator("#model")
    await expect(model).to_have_value(DEFAULT)
    await ask_here(page, "First", DEFAULT)
    await expect(page).to_have_url(re.compile("/conversations/"))
    await page.locator("#create").click()
    await model.select_option(OTHER)
    await page.reload()
    await expect(model).to_have_value(OTHER)
    await row(page, "First").locator("a").click()
    await expect(model).to_have_value(DEFAULT)


async def test_the_length_is_counted_near_the_limit_and_nothing_longer_is_sent(
    page: Page, box: Locator
) -> None:
    count, send = page.locator("#count"), page.locator("#send")
    await box.fill("a" * (MAX_INPUT_CHARS // 2))
    await expect(count).to_be_empty()
    await box.fill("🌊" * MAX_INPUT_CHARS)
    await expect(count).to_have_text("400,000 of 400,000 characters")
    await expect(send).to_be_enabled()
    await box.press("End")
    await box.press_sequentially("xy")
    await expect(count).to_have_text("2 characters too many")
    await expect(send).to_be_disabled()
    await box.press("Enter")
    await expect(page.locator("article.turn")).to_have_count(0)


async def test_an_example_is_sent_by_one_click(page: Page, box: Locator) -> None:
    example = page.locator("#welcome button").first
    words = await example.text_content() or ""
    await example.click()
    await expect(page.locator(".input")).to_have_text(words)
    await expect(box).to_be_focused()
    await expect(box).to_be_empty()
    await expect(page.locator("#welcome")).to_be_hidden()


COVER = """() => Object.defineProperty(visualViewport, "height", { get: () => 300, configurable: true })"""
UNCOVER = "() => { delete visualViewport.height }"


async def test_on_a_phone_enter_makes_a_line_and_the_button_sends(page: Page, stack: Stack) -> None:
    assert page.context.browser
    phone = await page.context.browser.new_context(
        viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True
    )
    hand = await phone.new_page()
    await open_page(hand, stack)
    box = hand.locator("#message")
    await expect(box).not_to_be_focused()
    await box.tap()
    await hand.evaluate(COVER)
    await box.press_sequentially("one")
    await box.press("Enter")
    await box.press_sequentially("two")
    await expect(box).to_have_value("one\ntwo")
    await hand.locator("#send").tap()
    await expect(hand.locator(".input")).to_have_text("one\ntwo", use_inner_text=True)
    await ended(hand.locator("article.turn"))
    await hand.evaluate(UNCOVER)
    await box.press_sequentially("by a keyboard of its own")
    await box.press("Enter")
    await expect(hand.locator(".input").last).to_have_text("by a keyboard of its own")


async def test_the_dock_is_lifted_above_a_keyboard_that_lies_over_the_page(page: Page, box: Locator) -> None:
    await page.evaluate(
        """() => {
            Object.defineProperty(visualViewport, "height", { get: () => 400 });
            visualViewport.dispatchEvent(new Event("resize"));
        }"""
    )
    bottom = await page.locator(".dock").evaluate("dock => dock.getBoundingClientRect().bottom")
    assert bottom <= 400


async def test_text_from_right_to_left_is_set_so(page: Page, box: Locator) -> None:
    await box.fill("سؤال عن النهر")
    assert await box.evaluate("box => getComputedStyle(box).direction") == "rtl"
    await box.press("Enter")
    title = row(page, "سؤال").locator(".title")
    await expect(title).to_have_css("direction", "rtl")  # the row may be drawn anew just now
