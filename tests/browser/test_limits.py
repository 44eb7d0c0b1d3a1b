"""The page at a limit: a refused question is sent again by itself, and no socket opens in a loop."""

import json
from collections.abc import Callable

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from chat.protocol.errors import TOO_MANY, CommandError
from tests.browser.visitor import ask_here, become_guest, ended, open_page
from tests.harness.stack import Stack

QUESTION = "[words-3] Beyond the limit"


async def refuse_questions(page: Page, refusal: Callable[[str], CommandError | None]) -> None:
    """Answer each question, by its `stream_id`, with a refusal; None: the server answers it."""

    async def serve(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def from_page(frame: str | bytes) -> None:
            command = json.loads(frame)
            error = refusal(command["stream_id"]) if command["type"] == "response.create" else None
            if error is None:
                server.send(frame)
            else:
                route.send(error.encode())

        route.on_message(from_page)

    await page.route_web_socket("**/ws/**", serve)


@pytest.mark.parametrize("code", ["too_many_waiting", "slow_down"])
async def test_a_question_beyond_a_limit_is_sent_again_by_itself(page: Page, stack: Stack, code: str) -> None:
    refused: list[str] = []

    def twice(stream_id: str) -> CommandError | None:
        if len(refused) == 2:
            return None
        refused.append(stream_id)
        return CommandError(code, stream_id=stream_id, retry_after=3)

    await refuse_questions(page, twice)
    await open_page(page, stack)
    turn = await ask_here(page, QUESTION)
    await expect(turn.locator(".state")).to_contain_text("Too many questions at once: sending in")
    await ended(turn)
    assert len(refused) == 2
    assert len(set(refused)) == 1  # one request


async def test_a_question_that_waits_at_a_limit_can_be_taken_back(page: Page, stack: Stack) -> None:
    await refuse_questions(
        page, lambda stream_id: CommandError("too_many_waiting", stream_id=stream_id, retry_after=600)
    )
    await open_page(page, stack)
    turn = await ask_here(page, QUESTION)
    await expect(turn.locator(".state")).to_contain_text("Too many questions at once")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("article.turn")).to_have_count(0)
    await expect(page.locator("#message")).to_have_value(QUESTION)


async def test_with_too_many_sockets_the_page_says_so_once_and_waits_for_a_person(
    page: Page, stack: Stack
) -> None:
    sockets = 0

    async def serve(route: WebSocketRoute) -> None:
        nonlocal sockets
        sockets += 1
        if sockets == 1:
            route.send(CommandError("too_many_sockets").encode())
            await route.close(code=TOO_MANY)
        else:
            route.connect_to_server()

    await page.route_web_socket("**/ws/**", serve)
    await become_guest(page, stack)  # a guest's page connects at once
    await page.goto(stack.url)
    connection = page.locator("#connection")
    await expect(connection).to_have_attribute("data-state", "too-many")
    await expect(connection).to_contain_text("Too many tabs of this site are open")
    await expect(page.locator("#notice")).to_be_empty()
    assert sockets == 1
    await connection.get_by_role("button", name="Try now").click()
    await expect(connection).to_have_attribute("data-state", "open")
    await ended(await ask_here(page, QUESTION))
