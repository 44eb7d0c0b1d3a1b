"""A guest is made with a visitor's first message, and no text is lost or sent as another user's."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from playwright.async_api import Error, Page, Route, expect

from tests.browser.test_sign_out import make_reader, sign_in
from tests.browser.visitor import ask_here, ended, open_page, row
from tests.browser.watch import Watch
from tests.harness.stack import Stack
from tests.harness.waiting import await_until

OPEN, IDLE = "open", "idle"


async def is_in_state(page: Page, state: str | re.Pattern[str]) -> None:
    await expect(page.locator("#connection")).to_have_attribute("data-state", state)


@asynccontextmanager
async def no_guests(page: Page) -> AsyncIterator[None]:
    """The profile's requests for a guest fail in the block, as without a network."""

    async def fail(route: Route) -> None:
        await route.abort()

    await page.context.route("**/guest/", fail)
    yield
    await page.context.unroute("**/guest/", fail)


async def test_a_visitor_becomes_a_guest_with_the_first_message(
    page: Page, stack: Stack, watch: Watch
) -> None:
    before = stack.count_users()
    await open_page(page, stack)
    await is_in_state(page, IDLE)
    await page.locator("#search").fill("nothing")
    await page.locator("#search").fill("")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.reload()
    await is_in_state(page, IDLE)
    assert stack.count_users() == before
    assert [request.url for request in watch.requests if "/conversations/" in request.url] == []
    await ended(await ask_here(page, "First"))
    await is_in_state(page, OPEN)
    assert stack.count_users() == before + 1
    await expect(row(page, "First")).to_be_visible()
    await page.reload()
    await is_in_state(page, OPEN)
    await ended(page.locator("article.turn"))
    assert stack.count_users() == before + 1


async def test_a_first_message_and_a_draft_survive_until_the_server_is_reached(
    page: Page, stack: Stack
) -> None:
    await open_page(page, stack)
    rows, before = stack.count_rows(), stack.count_users()
    async with no_guests(page):
        turn = await ask_here(page, "Kept")
        await expect(turn).to_contain_text("Waiting for the connection")
        await is_in_state(page, re.compile("reconnecting"))
        await page.locator("#create").click()
        await page.locator("#message").fill("a draft")
        await page.reload()
        await is_in_state(page, re.compile("reconnecting"))
        await expect(page.locator("article.turn")).to_contain_text("Kept")
    again = page.get_by_role("button", name="Try now")
    await again.evaluate_all("buttons => buttons.forEach((button) => button.click())")  # if it still waits
    await ended(page.locator("article.turn"))
    assert (stack.count_rows(), stack.count_users()) == (rows + 1, before + 1)
    await expect(page.locator("#message")).to_have_value("a draft")


async def test_tabs_that_send_their_first_messages_at_once_share_one_guest(page: Page, stack: Stack) -> None:
    tabs = [page, await page.context.new_page(), await page.context.new_page()]
    for tab in tabs:
        await open_page(tab, stack)
    rows, before = stack.count_rows(), stack.count_users()
    asking: set[Page] = set()
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        asking.add(route.request.frame.page)
        await released.wait()
        with suppress(Error):  # a page gives up after some seconds, and asks again
            await route.continue_()

    await page.context.route("**/guest/", hold)
    turns = [await ask_here(tab, f"From tab {number}") for number, tab in enumerate(tabs)]
    await await_until(lambda: asking == set(tabs), 30, "all tabs have asked for a guest")
    released.set()
    for turn in turns:
        await ended(turn)
    assert (stack.count_rows(), stack.count_users()) == (rows + len(tabs), before + 1)
    for tab in tabs:
        await expect(tab.locator(".entry")).to_have_count(len(tabs))
        await tab.reload()
        await ended(tab.locator("article.turn"))


async def test_a_message_of_a_closed_tab_is_sent_by_the_guests_next_page(page: Page, stack: Stack) -> None:
    other = await page.context.new_page()
    await open_page(other, stack)
    await open_page(page, stack)
    async with no_guests(page):
        await ask_here(other, "Left behind")
        await other.close()
    await ended(await ask_here(page, "First"))
    rows = stack.count_rows()
    await page.reload()
    await expect(row(page, "Left behind")).to_be_visible()
    await expect(row(page, "First")).to_be_visible()
    assert stack.count_rows() <= rows + 1


async def test_a_visitors_message_is_never_sent_as_a_user_who_signs_in(page: Page, stack: Stack) -> None:
    make_reader(stack, "late")
    await open_page(page, stack)
    rows = stack.count_rows()
    async with no_guests(page):
        await ask_here(page, "A visitor's secret")
        other = await page.context.new_page()
        await sign_in(other, stack, "late")
    await page.evaluate("dispatchEvent(new Event('online'))")  # it need not wait for its next attempt
    await is_in_state(page, "signed-out")
    await expect(page.locator("#connection")).to_contain_text("Your message is kept.")
    await expect(page.locator("#send")).to_be_disabled()
    await page.reload()
    await is_in_state(page, OPEN)
    await ended(await ask_here(page, "The user's own"))
    assert stack.count_rows() == rows + 1
    await expect(page.locator(".entry")).to_have_count(1)
