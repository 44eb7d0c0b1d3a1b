"""The list of conversations through every part: the web server, another socket, a worker, the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.harness.socket_client import cookie, visiting
from tests.harness.stack import Stack


@asynccontextmanager
async def browsing(url: str, session: str) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client like the page's scripts: it sends the cookies and the CSRF token."""
    token = session.partition("tailrace_csrf=")[2].partition(";")[0]
    headers = {"Cookie": session, "X-CSRFToken": token}
    async with aiohttp.ClientSession(url, headers=headers) as browser:
        yield browser


async def fetched(browser: aiohttp.ClientSession, method: str, path: str, **fields: Any) -> Any:
    async with browser.request(method, path, json=fields or None) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json()


async def test_another_tab_is_notified_of_every_change_of_a_conversation(stack: Stack) -> None:
    session = await cookie(stack.url)
    async with (
        visiting(stack.url, session) as asker,
        visiting(stack.url, session) as other,
        browsing(stack.url, session) as browser,
    ):
        await other.send({"type": "tailrace:subscribe"})  # its error arrives when the socket is ready
        await other.until("error")
        await asker.create("[echo] How deep is it?")
        begun, ended = await other.conversation_change(), await other.conversation_change()
        line = begun["conversation"]
        assert (line["title"], line["running"], line["deleted"]) == ("[echo] How deep is it?", True, False)
        assert [change["response"]["status"] for change in (begun, ended)] == ["queued", "completed"]
        assert ended["response"]["id"] == begun["response"]["id"]
        assert (ended["conversation"]["running"], ended["conversation"]["unread"]) == (False, True)

        (listed,) = (await fetched(browser, "GET", "/conversations/?search=DEEP"))["conversations"]
        assert listed.pop("match")["response"] == ended["response"]["id"]
        assert listed | {"deleted": False} == ended["conversation"]
        path = f"/conversations/{line['id']}/"
        (turn,) = (await fetched(browser, "GET", f"{path}responses/"))["responses"]
        assert (turn["id"], turn["status"]) == (begun["response"]["id"], "completed")
        assert turn["created_at"] < turn["started_at"] < turn["first_token_at"] < turn["ended_at"]
        assert (await other.conversation_change())["conversation"]["unread"] is False

        await fetched(browser, "PATCH", path, title="Depths")
        assert (await other.conversation_change())["conversation"]["title"] == "Depths"


async def test_deleting_a_conversation_cancels_its_response_and_can_be_undone(stack: Stack) -> None:
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as visitor, browsing(stack.url, session) as browser:
        await visitor.create("[words-200@40]")
        events = await visitor.until("response.output_text.delta")
        path = f"/conversations/{events[0]['response']['conversation']['id']}/"
        await fetched(browser, "PATCH", path, deleted=True)
        assert (await visitor.until("response.incomplete"))[-1]["response"]["status"] == "cancelled"
        assert (await fetched(browser, "GET", "/conversations/"))["conversations"] == []
        await fetched(browser, "PATCH", path, deleted=False)
        (turn,) = (await fetched(browser, "GET", f"{path}responses/"))["responses"]
        assert (turn["status"], turn["output"] != []) == ("cancelled", True)
