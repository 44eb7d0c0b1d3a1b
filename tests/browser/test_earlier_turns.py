"""A long conversation shows its end; earlier turns come by button, by keyboard and by scrolling."""

from playwright.async_api import Page, expect

from tests.browser.long import open_long
from tests.browser.visitor import ask, ended, stop_clock
from tests.harness.stack import Stack
from tests.harness.waiting import await_until

LENGTHEN = """
import sys, django
django.setup()
from chat.models import Response
Response.objects.filter(conversation__pk=sys.argv[1]).update(instructions="s" * 1_500_000)
"""


async def test_earlier_turns_are_loaded_by_keyboard(page: Page, stack: Stack) -> None:
    await open_long(page, stack, 120)
    turns = page.locator("article.turn")
    await expect(turns).to_have_count(50)
    button = page.get_by_role("button", name="Earlier turns")
    await button.evaluate("each => each.focus({ preventScroll: true })")  # a scroll would load them, too
    await page.keyboard.press("Enter")
    await expect(turns).to_have_count(100)
    await expect(page.locator("#announcer")).to_have_text("Earlier turns are shown.")
    await expect(button).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(turns).to_have_count(120)
    await expect(turns.first).to_contain_text("question 0")
    await expect(button).to_be_hidden()
    await expect(page.get_by_role("region", name="Conversation")).to_be_focused()


async def test_scrolling_up_loads_earlier_turns_and_moves_nothing(page: Page, stack: Stack) -> None:
    await open_long(page, stack, 90)
    turns = page.locator("article.turn")
    await expect(turns).to_have_count(50)
    mark = turns.filter(has_text="question 43").locator(".input")
    await mark.evaluate("each => each.scrollIntoView({ block: 'center', behavior: 'instant' })")
    await expect(turns).to_have_count(90)
    await expect(turns.first).to_contain_text("answer 0")  # painted
    await expect(mark).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Earlier turns")).to_be_hidden()


async def test_turns_of_many_bytes_come_a_few_at_a_time(page: Page, stack: Stack) -> None:
    await open_long(page, stack, 6)
    stack.run("-c", LENGTHEN, page.url.rstrip("/").rpartition("/")[2])
    await page.reload()
    turns = page.locator("article.turn")
    for count in (2, 4):  # of 1.5 MB each
        await expect(turns).to_have_count(count)
        await page.get_by_role("button", name="Earlier turns").click()
    await expect(turns).to_have_count(6)
    await expect(turns.first).to_contain_text("question 0")


async def test_a_short_conversation_has_no_button(page: Page, stack: Stack) -> None:
    await open_long(page, stack, 50)
    await expect(page.locator("article.turn")).to_have_count(50)
    await expect(page.get_by_role("button", name="Earlier turns")).to_be_hidden()


async def test_a_search_result_shows_its_words_and_opens_at_its_turn(page: Page, stack: Stack) -> None:
    await open_long(page, stack, 120)
    await page.locator("#create").click()
    await page.locator("#search").fill("question 17")
    excerpt = page.locator(".entry .excerpt").first
    await expect(excerpt).to_have_text("You: question 17")
    await expect(excerpt.locator("mark")).to_have_text(["question", "17"])
    await page.locator("#search").fill("answer 55")
    await expect(excerpt).to_have_text("Answer: answer 55")
    await stop_clock(page)  # the mark stays
    await excerpt.click()
    turn = page.locator("article.turn", has_text="answer 55")

    async def is_marked() -> bool:
        await page.clock.run_for(100)  # the page paints
        return await turn.and_(page.locator("[data-found]")).count() == 1

    await await_until(is_marked, 20, "the turn is marked")
    await expect(turn).to_be_focused()
    await expect(turn).to_be_in_viewport()
    await expect(turn).to_have_attribute("data-found", "true")
    await page.clock.resume()
    await expect(page.locator("article.turn").last).to_contain_text("answer 119")  # the end is loaded, too
    await expect(page.get_by_role("button", name="Earlier turns")).to_be_visible()
    await expect(turn).to_be_in_viewport()
    await expect(turn).not_to_have_attribute("data-found", "true")


async def test_a_result_in_a_hidden_version_shows_that_version(page: Page, stack: Stack) -> None:
    await ended(await ask(page, stack, "[echo] first words"))
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("textbox", name="Edit your message").fill("[echo] other words")
    await page.keyboard.press("Enter")
    await expect(page.locator(".output")).to_have_text("other words")
    await ended(page.locator("article.turn"))
    await page.locator("#search").fill("first")
    await page.locator(".entry .excerpt").click()
    await expect(page.locator(".input")).to_have_text("[echo] first words")
    await expect(page.locator("article.turn")).to_be_focused()
