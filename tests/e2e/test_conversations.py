"""The list of conversations through every part: the web server, another socket, a worker, the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.harness.socket_client import cookie, visiting
from tests.harness.stack import Stack

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def browsing(url: str, session: str) -> AsyncIterator[aiohttp.ClientSession]:
    """The page's scripts: they send its cookies, and its token with what changes something."""
    token = session.partition("csrftoken=")[2].partition(";")[0]
    headers = {"Cookie": session, "X-CSRFToken": token}
    async with aiohttp.ClientSession(url, headers=headers) as browser:
        yield browser


async def told(browser: aiohttp.ClientSession, method: str, path: str, **fields: Any) -> Any:
    async with browser.request(method, path, json=fields or None) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json()


async def test_another_tab_hears_how_an_answer_began_and_ended_and_what_became_of_it(stack: Stack) -> None:
    session = await cookie(stack.url)
    async with (
        visiting(stack.url, session) as asker,
        visiting(stack.url, session) as other,
        browsing(stack.url, session) as browser,
    ):
        await other.send({"type": "tailrace:subscribe"})  # its refusal comes when the socket is ready
        await other.until("error")
        await asker.create("echo", "How deep is it?")
        begun, ended = await other.news(), await other.news()
        line = begun["conversation"]
        assert (line["title"], line["running"], line["deleted"]) == ("How deep is it?", True, False)
        assert [news["response"]["status"] for news in (begun, ended)] == ["queued", "completed"]
        assert ended["response"]["id"] == begun["response"]["id"]
        assert (ended["conversation"]["running"], ended["conversation"]["unread"]) == (False, True)

        (listed,) = (await told(browser, "GET", "/conversations/?search=DEEP"))["conversations"]
        assert listed | {"deleted": False} == ended["conversation"]
        path = f"/conversations/{line['id']}/"
        (turn,) = (await told(browser, "GET", f"{path}responses/"))["responses"]
        assert (turn["id"], turn["status"]) == (begun["response"]["id"], "completed")
        assert turn["created_at"] < turn["started_at"] < turn["first_token_at"] < turn["ended_at"]
        assert (await other.news())["conversation"]["unread"] is False

        await told(browser, "PATCH", path, title="Depths")
        assert (await other.news())["conversation"]["title"] == "Depths"


async def test_a_deleted_conversation_stops_what_runs_in_it_and_comes_back(stack: Stack) -> None:
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as visitor, browsing(stack.url, session) as browser:
        await visitor.create("words-200@40:stopped")
        events = await visitor.until("response.output_text.delta")
        path = f"/conversations/{events[0]['response']['conversation']['id']}/"
        await told(browser, "PATCH", path, deleted=True)
        assert (await visitor.until("response.incomplete"))[-1]["response"]["status"] == "cancelled"
        assert (await told(browser, "GET", "/conversations/"))["conversations"] == []
        await told(browser, "PATCH", path, deleted=False)
        (turn,) = (await told(browser, "GET", f"{path}responses/"))["responses"]
        assert (turn["status"], turn["output_text"] != "") == ("cancelled", True)
