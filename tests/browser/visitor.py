"""What the tests of the whole page do with it, whatever it looks like: open it, ask, wait for the end."""

from playwright.async_api import Locator, Page, WebSocketRoute, expect

from tests.stack import Stack

END_MS = 90_000  # of a long answer, on a busy machine


async def open_page(page: Page, stack: Stack) -> None:
    """A new conversation, once it is connected."""
    await page.goto(stack.url)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open")


async def ask(page: Page, stack: Stack, model: str, prompt: str = "How does a water mill work?") -> Locator:
    """Ask in a new conversation, and return the turn that appears."""
    await open_page(page, stack)
    return await ask_here(page, model, prompt)


async def ask_here(page: Page, model: str, prompt: str = "How does a water mill work?") -> Locator:
    """Ask in the conversation that is shown, and return the turn that appears."""
    await page.locator("#composer select").select_option(model)
    await page.locator("#composer textarea").fill(prompt)
    await page.keyboard.press("Enter")
    return page.locator("article.turn").last


async def ended(turn: Locator, status: str = "completed") -> None:
    """Wait until the answer has ended as it should."""
    await expect(turn).to_have_attribute("data-status", status, timeout=END_MS)


async def refuse_socket(page: Page) -> None:
    """From the next document on, no socket opens."""

    async def close(route: WebSocketRoute) -> None:
        await route.close()

    await page.route_web_socket("**/ws/**", close)
