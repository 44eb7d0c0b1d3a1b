"""A guest's work survives the sign-in: conversations, a running answer, drafts, and other tabs."""

import re

from playwright.async_api import Browser, Page, expect

from tests.browser.axe import findings, page_for_axe
from tests.browser.test_guests import OPEN, is_in_state
from tests.browser.test_sign_out import PASSWORD, make_reader
from tests.browser.visitor import ask, ask_here, ended, open_page, row
from tests.harness.stack import Stack

HELD = "[words-20+hold-after-8] A question that runs while its guest signs in"


async def sign_in_as_guest(page: Page, name: str) -> None:
    """By the page's link, to the question."""
    await page.get_by_role("link", name="Sign in").first.click()
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading")).to_have_text("Take them along?")


async def test_all_that_a_guest_has_follows_into_the_account(page: Page, stack: Stack) -> None:
    make_reader(stack, "comer")
    await ended(await ask(page, stack, "First"))
    await page.locator("#create").click()
    turn = await ask_here(page, HELD)
    await expect(turn.locator(".output")).to_contain_text("w6")
    running = page.url
    await page.locator("#message").fill("a draft of the guest")
    other = await page.context.new_page()
    await other.goto(stack.url)
    await other.locator("#message").fill("a draft in another tab")
    await sign_in_as_guest(page, "comer")
    await expect(page.locator("main")).to_contain_text("You have 2 conversations as a visitor.")
    await page.get_by_role("button", name="Take them along").click()
    await is_in_state(page, OPEN)
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await expect(row(page, "First")).to_be_visible()
    await is_in_state(other, OPEN)  # it has loaded again, as the account
    await expect(other.get_by_role("button", name="Sign out")).to_be_visible()
    await expect(other.locator("#message")).to_have_value("a draft in another tab")
    await page.goto(running)
    await expect(page.locator("#message")).to_have_value("a draft of the guest")
    turn = page.locator("article.turn")
    await expect(turn.locator(".output")).to_contain_text("w6")
    stack.upstream.release(HELD)
    await ended(turn)
    await expect(turn.locator(".output")).to_contain_text("w19")
    await ended(await ask_here(page, "And on"))
    await page.reload()
    await expect(page.locator(".entry")).to_have_count(2)


async def test_an_unsent_message_of_a_guest_is_sent_by_the_account(page: Page, stack: Stack) -> None:
    make_reader(stack, "sender")
    await ended(await ask(page, stack, "Sent"))
    rows = stack.count_rows()
    await page.route_web_socket("**/ws/**", lambda route: route.close())
    await page.reload()
    await is_in_state(page, re.compile("reconnecting"))
    await page.locator("#message").fill("Not sent yet")
    await page.locator("#message").press("Enter")
    await expect(page.locator("article.turn").last).to_contain_text("Not sent yet")
    tab = await page.context.new_page()
    await page.close()
    await open_page(tab, stack)
    await sign_in_as_guest(tab, "sender")
    await tab.get_by_role("button", name="Take it along").click()
    await is_in_state(tab, OPEN)
    await row(tab, "Sent").locator("a").click()
    await ended(tab.locator("article.turn").last)
    assert stack.count_rows() == rows + 1


async def test_what_a_guest_leaves_is_not_in_the_account(page: Page, stack: Stack) -> None:
    make_reader(stack, "leaver")
    await ended(await ask(page, stack, "A visitor's secret"))
    await page.locator("#create").click()
    await page.locator("#message").fill("a secret draft")
    await sign_in_as_guest(page, "leaver")
    await page.get_by_role("button", name="Leave it").click()
    await is_in_state(page, OPEN)
    await expect(page.locator(".entry")).to_have_count(0)
    await expect(page.locator("#message")).to_have_value("")
    assert "secret" not in await page.evaluate("Object.values(localStorage).join()")


async def test_the_pages_of_an_account_have_no_serious_issue(browser: Browser, stack: Stack) -> None:
    make_reader(stack, "seen")
    page = await page_for_axe(browser)
    await ended(await ask(page, stack, "First"))
    await sign_in_as_guest(page, "seen")
    assert await findings(page) == []
    await page.get_by_role("button", name="Take it along").click()
    await page.get_by_role("link", name="Password").click()
    await expect(page.get_by_label("Old password")).to_be_visible()
    assert await findings(page) == []
