"""What a person does on the page, for tests in the browser."""

import re

from playwright.async_api import Locator, Page, expect

from tests.stack import Stack
from tests.waiting import await_until


async def open_page(page: Page, stack: Stack) -> None:
    """Open a new conversation, and wait for its socket."""
    await page.goto(stack.url)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open")


async def ask(page: Page, model: str, prompt: str = "Say hello") -> Locator:
    """Ask on the page that is open, and return the turn that appears."""
    await page.locator("#composer select").select_option(model)
    await page.locator("#composer textarea").fill(prompt)
    await page.keyboard.press("Enter")
    return page.locator("article.turn").last


async def ended(turn: Locator, status: str = "completed") -> None:
    """Wait for the end of a turn's answer."""
    await expect(turn).to_have_attribute("data-status", status, timeout=20_000)


async def until(page: Page, claim: str, deadline_secs: float = 10) -> None:
    """Wait until a claim in JavaScript is true. (The page's policy forbids what Playwright has for that.)"""
    await await_until(lambda: page.evaluate(claim), deadline_secs, claim)


async def ask_here(page: Page, question: str, model: str) -> Locator:
    """Ask in the conversation that is shown, and return the turn once it is there, not an earlier one."""
    turns = page.locator("article.turn")
    before = await turns.count()
    await page.locator("#model").select_option(model)
    await page.locator("#message").fill(question)
    await page.locator("#message").press("Enter")
    await expect(turns).to_have_count(before + 1)
    return turns.nth(before)


def row(page: Page, title: str) -> Locator:
    """The row of a conversation, by the beginning of its title."""
    return page.locator(".entry", has=page.locator(".title", has_text=re.compile(f"^{re.escape(title)}")))
