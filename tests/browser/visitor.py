"""Use the page as a person does: open it, ask, wait for the end."""

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import BrowserContext, Locator, Page, WebSocketRoute, expect

from tests.harness.socket_client import TOKEN
from tests.harness.stack import Stack
from tests.harness.waiting import await_until, deadline

END_SECS = 90  # of a long answer
READY = re.compile("idle|open")  # a visitor's page connects with the first message


async def open_page(page: Page, stack: Stack) -> None:
    """A new conversation, once it is ready."""
    await page.goto(stack.url)
    await expect(page.locator("#connection")).to_have_attribute("data-state", READY)


async def become_guest(page: Page, stack: Stack) -> None:
    """Make the profile's guest, without a message."""
    found = TOKEN.search(await (await page.context.request.get(stack.url)).text())
    assert found is not None
    reply = await page.context.request.post(f"{stack.url}/guest/", headers={"X-CSRFToken": found[1]})
    assert reply.ok


async def beside(context: BrowserContext, address: str) -> Page:
    """Another window, connected."""
    page = await context.new_page()
    await page.goto(address)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    return page


async def ask(page: Page, stack: Stack, prompt: str, model: str | None = None) -> Locator:
    """Ask in a new conversation, and return the turn that appears."""
    await open_page(page, stack)
    return await ask_here(page, prompt, model)


async def ask_here(page: Page, prompt: str, model: str | None = None) -> Locator:
    """Ask in the conversation that is shown, and return the turn once it is there, not an earlier one."""
    turns = page.locator("article.turn")
    before = await turns.count()
    if model is not None:
        await page.locator("#composer select").select_option(model)
    await page.locator("#composer textarea").fill(prompt)
    await page.locator("#composer textarea").press("Enter")
    await expect(turns).to_have_count(before + 1)
    return turns.nth(before)


async def ended(turn: Locator, status: str = "completed") -> None:
    """Wait until the answer has ended as it should."""
    await expect(turn).to_have_attribute("data-status", status, timeout=deadline(END_SECS) * 1000)


async def whole(turn: Locator, text: str) -> None:
    """Wait until the turn has ended with all of its text, byte for byte."""
    await ended(turn)
    await expect(turn.locator(".output")).to_have_text(text)  # its last part may come some frames later
    assert (await turn.locator(".output").text_content() or "").strip() == text


async def stop_clock(page: Page) -> None:
    """From now on no timer of the profile's pages ends, until the test runs or resumes their clock."""
    now = datetime.now(UTC)
    await page.clock.install(time=now - timedelta(hours=1))
    await page.clock.pause_at(now)


async def until(page: Page, claim: str, deadline_secs: float = 20) -> None:
    """Wait until a claim in JavaScript is true. (The page's policy forbids what Playwright has for that.)"""
    await await_until(lambda: page.evaluate(claim), deadline_secs, claim)


def row(page: Page, title: str) -> Locator:
    """The row of a conversation, by the beginning of its title."""
    return page.locator(".entry", has=page.locator(".title", has_text=re.compile(f"^{re.escape(title)}")))


async def choose(page: Page, title: str, entry: str) -> None:
    """Choose from the menu of a conversation's row, with the pointer."""
    await row(page, title).hover()
    await row(page, title).get_by_role("button", name="Actions for").click()
    await page.get_by_role("menuitem", name=entry).click()


async def refuse_socket(page: Page) -> None:
    """From the next document on, no socket opens."""

    async def close(route: WebSocketRoute) -> None:
        await route.close()

    await page.route_web_socket("**/ws/**", close)
