"""A link lets a reader without an account follow a running answer, until it is revoked."""

import re
from collections.abc import AsyncIterator

from playwright.async_api import Browser, Page, expect

from tests.browser.axe import findings, page_for_axe
from tests.browser.conftest import in_session, profile
from tests.browser.visitor import ask, ask_here, ended, open_page
from tests.browser.watch import Watch
from tests.harness.stack import Stack
from tests.harness.waiting import patience

ENDED = "This conversation is no longer shared."
HELD = "[reasoning-5+words-20+hold-after-12] An answer that others follow"
HELD_AGAIN = "[words-20+hold-after-8] A second one"


@in_session()
async def reader(browser: Browser) -> AsyncIterator[Page]:
    """A page of another person, without an account; an error that it logs fails the test."""
    watch = await Watch.over(await profile(browser))
    yield await watch.context.new_page()
    cookies = await watch.context.cookies()
    await watch.context.close()
    assert [cookie["name"] for cookie in cookies if "session" in cookie["name"]] == []
    assert watch.violations == []


async def create_link(page: Page) -> str:
    """Share the conversation that is shown."""
    await page.get_by_role("button", name="Share…").click()
    dialog = page.get_by_role("dialog", name="Share this conversation")
    await expect(dialog).to_contain_text("also what you write later")
    await dialog.get_by_role("button", name="Create a link").click()
    field = dialog.get_by_role("textbox", name="Link")
    await expect(field).to_have_value(re.compile("/shared/[A-Za-z0-9_-]{32}/$"))
    link = await field.input_value()
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_have_count(0)
    return link


async def revoke_link(page: Page) -> None:
    await page.get_by_role("button", name="Share…").click()
    dialog = page.get_by_role("dialog", name="Share this conversation")
    await dialog.get_by_role("button", name="Revoke the link").click()
    await expect(dialog).to_contain_text("The link is revoked")
    await dialog.get_by_role("button", name="Close").click()


async def test_a_reader_follows_a_running_answer_and_new_turns_until_the_link_is_revoked(
    page: Page, reader: Page, stack: Stack
) -> None:
    users = stack.count_users()
    turn = await ask(page, stack, HELD)
    await expect(turn.locator(".output")).to_contain_text("w5")
    assert stack.count_users() == users + 1
    link = await create_link(page)
    await reader.goto(link)
    shown = reader.locator("article.turn")
    await expect(shown.locator(".input")).to_have_text(HELD)
    await expect(shown.locator(".output")).to_contain_text("w5")
    stack.upstream.release(HELD)
    await ended(shown)
    await expect(shown.locator(".output")).to_contain_text("w19")
    await expect(shown.locator(".thoughts")).to_be_hidden()
    await ask_here(page, HELD_AGAIN)
    await expect(shown).to_have_count(2)
    await expect(shown.nth(1).locator(".output")).to_contain_text("w6")
    await expect(reader.get_by_role("button", name=re.compile("Edit|Retry|Regenerate|Send"))).to_have_count(0)
    await revoke_link(page)
    await expect(reader.locator("#notice")).to_have_text(ENDED, timeout=5_000 * patience())
    await expect(shown).to_have_count(0)
    stack.upstream.release(HELD_AGAIN)
    reply = await reader.goto(link)
    assert reply
    assert reply.status == 404
    assert stack.count_users() == users + 1


async def test_a_reader_survives_a_lost_connection(page: Page, reader: Page, stack: Stack) -> None:
    turn = await ask(page, stack, HELD)
    await expect(turn.locator(".output")).to_contain_text("w5")
    await reader.goto(await create_link(page))
    shown = reader.locator("article.turn")
    await expect(shown.locator(".output")).to_contain_text("w5")
    await reader.context.set_offline(True)
    await reader.evaluate("dispatchEvent(new Event('offline'))")
    stack.upstream.release(HELD)
    await ended(turn)
    await ended(await ask_here(page, "Meanwhile"))
    await reader.context.set_offline(False)
    await reader.evaluate("dispatchEvent(new Event('online'))")
    await ended(shown.first)
    await ended(shown.nth(1))


async def test_a_regenerated_answer_replaces_the_shown_one(page: Page, reader: Page, stack: Stack) -> None:
    await ended(await ask(page, stack, "[words-3] Once"))
    await reader.goto(await create_link(page))
    await ended(reader.locator("article.turn"))
    first = await reader.locator("article.turn").get_attribute("data-response-id")
    await page.get_by_role("button", name="Regenerate").click()
    await expect(page.locator(".branches:visible .place")).to_have_text("2/2")
    await expect(reader.locator("article.turn")).not_to_have_attribute("data-response-id", first or "")
    await ended(reader.locator("article.turn"))
    await expect(reader.locator("article.turn")).to_have_count(1)
    await expect(reader.locator(".branches:visible")).to_have_count(0)


async def test_a_deleted_conversation_is_no_longer_read(page: Page, reader: Page, stack: Stack) -> None:
    await ended(await ask(page, stack, "To be deleted"))
    await reader.goto(await create_link(page))
    await ended(reader.locator("article.turn"))
    await page.locator(".entry a").first.press("Delete")
    await expect(reader.locator("#notice")).to_have_text(ENDED, timeout=5_000 * patience())


async def test_a_new_conversation_has_no_button(page: Page, stack: Stack) -> None:
    await open_page(page, stack)
    await expect(page.locator("#share")).to_be_hidden()


async def test_dialog_and_page_have_no_serious_issue(browser: Browser, stack: Stack) -> None:
    page = await page_for_axe(browser)
    await ended(await ask(page, stack, "[article-100]"))
    link = await create_link(page)
    await page.get_by_role("button", name="Share…").click()
    await expect(page.get_by_role("textbox", name="Link")).to_be_visible()
    assert await findings(page) == []
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(link)
    await ended(page.locator("article.turn"))
    assert await findings(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
