"""Settings of an answer in a real browser: the panel, a person's defaults, the models' details; Continue."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import in_session
from tests.browser.test_media import BEYOND, NARROW
from tests.browser.visitor import ask_here, ended, open_page
from tests.harness.stack import Stack

PLAIN, SMALL = "scripted", "scripted-small"


@in_session()
async def opened(page: Page, stack: Stack) -> Locator:
    """The panel on a visitor's page, opened by the keyboard."""
    await open_page(page, stack)
    return await open_panel(page)


async def open_panel(page: Page) -> Locator:
    await page.get_by_role("button", name="Settings of the answer").press("Enter")
    panel = page.get_by_role("dialog", name="Settings of the answer")
    await expect(panel).to_be_visible()
    return panel


async def fill(panel: Locator, **fields: str) -> None:
    for name, value in fields.items():
        await panel.locator(f"[name={name}]").fill(value)


async def test_a_question_has_the_settings_of_its_conversation_and_a_reload_keeps_them(
    page: Page, opened: Locator, stack: Stack
) -> None:
    await opened.get_by_role("radio", name=SMALL).check()
    await fill(opened, instructions="Be brief.", temperature="0", max_output_tokens="500")
    await opened.get_by_label("Reasoning effort").select_option("low")
    await page.keyboard.press("Escape")
    button = page.get_by_role("button", name="Settings of the answer")
    await expect(button).to_be_focused()
    await expect(button).to_have_attribute("data-changed", "")
    await page.reload()  # before anything is sent
    await expect(page.locator("#model")).to_have_value(SMALL)
    turn = await ask_here(page, "[words-3] First")
    await ended(turn)
    await page.reload()
    await turn.get_by_role("button", name="Edit").click()
    await turn.get_by_role("textbox").fill("[words-3] Second")
    await turn.get_by_role("textbox").press("Enter")
    await ended(turn)
    await page.get_by_role("button", name="Regenerate").click()
    await expect(page.locator(".branches:visible .place").last).to_have_text("3/3")
    await ended(turn)
    first, second, again = (
        *stack.upstream.requests("[words-3] First"),
        *stack.upstream.requests("[words-3] Second"),
    )
    for asked in (first, second, again):
        assert asked.messages[0] == {"role": "system", "content": "Be brief."}
        assert asked.body["temperature"] == 0
        assert asked.body["reasoning_effort"] == "low"
        assert 500 in asked.body.values()
    await page.locator("#create").click()
    await expect(button).not_to_have_attribute("data-changed", "")
    panel = await open_panel(page)
    await expect(panel.locator("[name=instructions]")).to_be_empty()


async def test_a_default_holds_for_new_conversations_until_it_is_changed(
    page: Page, opened: Locator, stack: Stack
) -> None:
    await opened.get_by_role("radio", name=SMALL).check()
    await fill(opened, instructions="Answer in rhymes.", temperature="0.5")
    await opened.get_by_role("button", name="Use as my default").press("Enter")
    await expect(opened.get_by_role("status")).to_have_text(
        "Saved: new conversations begin with these settings."
    )
    await opened.get_by_role("button", name="Close").click()
    button = page.get_by_role("button", name="Settings of the answer")
    await expect(button).not_to_have_attribute("data-changed", "")
    await page.evaluate("localStorage.clear()")
    await page.reload()
    await expect(page.locator("#model")).to_have_value(SMALL)
    panel = await open_panel(page)
    await expect(panel.locator("[name=instructions]")).to_have_value("Answer in rhymes.")
    await fill(panel, temperature="1")
    await expect(button).to_have_attribute("data-changed", "")
    await panel.get_by_role("button", name="Reset to my default").click()
    await expect(panel.locator("[name=temperature]")).to_have_value("0.5")
    await expect(button).not_to_have_attribute("data-changed", "")


async def test_a_wrong_value_is_named_and_changes_nothing(page: Page, opened: Locator) -> None:
    status = opened.get_by_role("status")
    await fill(opened, temperature="3")
    await expect(status).to_contain_text("Temperature: ")
    await fill(opened, temperature="", max_output_tokens="0")
    await expect(status).to_contain_text("Longest answer: ")
    await fill(opened, max_output_tokens="")
    await expect(status).to_be_empty()
    await expect(page.locator("#settings-open")).not_to_have_attribute("data-changed", "")


async def test_the_panel_shows_what_each_model_takes_and_fits_a_phone(page: Page, opened: Locator) -> None:
    await expect(opened.locator(".model", has_text=SMALL)).to_contain_text(
        "context of 1,000 tokens, takes text and text files, reasoning"
    )
    vision = opened.locator(".model", has_text="scripted-vision")
    await expect(vision).to_contain_text("context of unknown length, takes pictures and files")
    await opened.get_by_role("radio", name=PLAIN, exact=False).first.check()
    await expect(opened.get_by_label("Reasoning effort")).to_be_hidden()
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a plain dict is a size
    assert await page.evaluate(BEYOND) == []
    await expect(opened.get_by_role("button", name="Use as my default")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#model")).to_have_accessible_description(re.compile("context of"))


async def test_an_answer_that_was_cut_off_is_continued(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    turn = await ask_here(page, "[length-5] Cut")
    await ended(turn, "incomplete")
    await turn.get_by_role("button", name="Continue").press("Enter")
    turns = page.locator("article.turn")
    await expect(turns).to_have_count(2)
    await ended(turns.nth(1))
    await expect(turns.nth(1).locator(".input")).to_have_text("Continue")
    await expect(turns.nth(0).get_by_role("button", name="Continue")).to_be_hidden()
    await turns.nth(1).locator(".unfold").click()
    await expect(turns.nth(1).locator(".input")).to_contain_text("exactly where your last answer was cut off")
    asked = stack.upstream.requests()[-1]
    assert [message["role"] for message in asked.messages] == ["user", "assistant", "user"]
