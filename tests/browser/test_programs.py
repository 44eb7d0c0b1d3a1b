"""A program and a person share a conversation: each sees live what the other does."""

import asyncio
from collections.abc import AsyncIterator

from openai import AsyncOpenAI
from playwright.async_api import Page, expect

from tests.browser.conftest import in_session
from tests.browser.visitor import ask_here, become_guest, ended, open_page, row
from tests.harness.stack import Stack
from tests.harness.waiting import deadline

HELD = "[words-20+hold-after-5] A program asks"
TITLE = "The survey of the pond"
ADDED = [
    {"type": "message", "role": "user", "content": "Which pond?"},
    {"type": "message", "role": "assistant", "content": "The **small** one."},
]


@in_session()
async def home(page: Page, stack: Stack) -> Page:
    """The page of a new guest, connected."""
    await become_guest(page, stack)
    await open_page(page, stack)
    return page


@in_session()
async def client(home: Page, stack: Stack) -> AsyncIterator[AsyncOpenAI]:
    """The SDK with a key of that guest."""
    key = stack.new_key("share", stack.latest_user())
    async with AsyncOpenAI(base_url=f"{stack.url}/v1", api_key=key, timeout=deadline()) as client:
        yield client


async def test_the_page_shows_what_a_program_asks_and_the_program_what_the_person_asks(
    home: Page, client: AsyncOpenAI, stack: Stack
) -> None:
    await ended(await ask_here(home, "[echo] Another conversation"))
    conversation = await client.conversations.create(metadata={"title": TITLE}, items=ADDED)  # type: ignore[arg-type]  # plain dicts
    await row(home, TITLE).locator("a").click()
    turns = home.locator("article.turn")
    await expect(turns).to_have_count(1)
    await expect(turns.locator(".input")).to_have_text("Which pond?")
    await expect(turns.locator(".output strong")).to_have_text("small")
    stream = await client.responses.create(
        model="scripted", input=HELD, conversation=conversation.id, stream=True
    )
    await expect(turns).to_have_count(2)
    await expect(turns.nth(1).locator(".output")).to_contain_text("w3")
    await asyncio.to_thread(stack.upstream.release, HELD)
    async for _ in stream:
        pass
    await ended(turns.nth(1))
    await expect(turns.nth(1).locator(".output")).to_contain_text("w19")
    await ended(await ask_here(home, "[echo] A person asks"))
    items = (await client.conversations.items.list(conversation.id, limit=2, order="desc")).data
    texts = [item.to_dict()["content"][0]["text"] for item in items]  # type: ignore[index]  # messages with texts
    assert texts == ["A person asks", "[echo] A person asks"]
    await client.conversations.items.create(
        conversation.id, items=[{"type": "message", "role": "user", "content": "A note of the program"}]
    )
    await expect(turns).to_have_count(4)
    await expect(turns.nth(3).locator(".input")).to_have_text("A note of the program")
    await expect(turns.nth(3)).not_to_contain_text("without a word")
