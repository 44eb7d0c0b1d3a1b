"""The conversation API: JSON for the page's scripts, each visitor's own, and typed errors."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connections
from django.test import AsyncClient, Client
from django.utils import timezone

from chat.conversations import announcements
from chat.ids import wire_id
from chat.models import Conversation, Response, Status, TitleSource
from chat.pages import conversation_api
from chat.responses import ending
from chat.transport.event_log import Log, LogError
from chat.transport.notifications import owner_group
from tests.chat.answers import Answer
from tests.chat.rows import on_rows, saved, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("static_root")]

NOTHING = "conv_0123456789ab7def8123456789abcdef"


@pytest.fixture
async def browser(owner: User, log: Log, layer: Any) -> AsyncClient:
    """The owner's browser."""
    browser = AsyncClient()
    await browser.aforce_login(owner)
    return browser


@pytest.fixture
async def others(owner: User, layer: Any) -> Any:
    """The change events of another socket of the owner's; a call returns the next frame."""
    channel = await layer.new_channel()
    await layer.group_add(owner_group(owner.pk), channel)

    async def frame() -> Any:
        return json.loads((await layer.receive(channel))["frame"])

    frame.waiting = lambda: layer.channels[channel].qsize()  # type: ignore[attr-defined]  # for this test
    return frame


async def change(browser: AsyncClient, row: Conversation, **fields: Any) -> Any:
    return await browser.patch(row.get_absolute_url(), json.dumps(fields), "application/json")


def refusal(reply: Any) -> tuple[int, str, str | None]:
    """Status, code and field, in the shape that the socket's errors have."""
    frame = json.loads(reply.content)
    assert (frame["type"], frame["status"]) == ("error", reply.status_code)
    assert set(frame["error"]) == {"type", "code", "message", "param"}
    return frame["status"], frame["error"]["code"], frame["error"]["param"]


async def test_the_list_has_the_visitors_own_conversations(
    browser: AsyncClient, owner: User, stranger: User
) -> None:
    mine, _ = await on_rows(stored, owner), await on_rows(stored, stranger)
    reply: Any = await browser.get("/conversations/")
    assert [line["id"] for line in reply.json()["conversations"]] == [wire_id("conv", mine.conversation_id)]
    assert "no-store" in reply.headers["Cache-Control"]
    assert (await browser.get("/conversations/?search=shallow")).json()["conversations"] == []


async def test_an_invalid_cursor_is_refused(browser: AsyncClient) -> None:
    assert refusal(await browser.get("/conversations/?before=x")) == (400, "invalid_field", "before")


async def test_earlier_responses_come_by_their_place(browser: AsyncClient, owner: User) -> None:
    root = await on_rows(stored, owner, status=Status.COMPLETED)
    leaf = await on_rows(stored, owner, conversation=root.conversation, previous=root)
    path = f"{root.conversation.get_absolute_url()}responses/"
    for query, found in ((f"before={leaf.pk}", root), (f"after={root.pk}", leaf)):
        (row,) = (await browser.get(f"{path}?{query}")).json()["responses"]
        assert row["id"] == found.wire_id
    assert refusal(await browser.get(f"{path}?before=x")) == (400, "invalid_field", "before")


async def test_the_responses_come_with_their_conversation(browser: AsyncClient, owner: User) -> None:
    root = await on_rows(stored, owner, output="Two metres.", status=Status.COMPLETED)
    leaf = await on_rows(stored, owner, conversation=root.conversation, previous=root)
    reply: Any = await browser.get(f"{root.conversation.get_absolute_url()}responses/")
    line, responses = reply.json()["conversation"], reply.json()["responses"]
    assert [turn["id"] for turn in responses] == [root.wire_id, leaf.wire_id]
    assert (line["id"], line["running"]) == (wire_id("conv", root.conversation_id), True)


PLACES = [
    ("get", "{}responses/", None),
    ("patch", "{}", {"title": "t"}),
    ("patch", "{}", {"read": True}),
    ("patch", "{}", {"deleted": True}),
    ("patch", "{}", {}),
]


async def asked(browser: AsyncClient, method: str, path: str, fields: Any) -> Any:
    if method == "get":
        return await browser.get(path)
    return await browser.patch(path, json.dumps(fields), "application/json")


@pytest.mark.parametrize("whose", ["nobody's", "someone else's", "deleted"])
@pytest.mark.parametrize(("method", "path", "fields"), [*PLACES, ("patch", "{}", {"deleted": False})])
async def test_other_owners_and_deleted_conversations_are_not_found_and_not_changed(
    browser: AsyncClient, owner: User, stranger: User, whose: str, method: str, path: str, fields: Any
) -> None:
    row = await on_rows(stored, owner if whose == "deleted" else stranger)
    rows = Conversation.objects.filter(pk=row.conversation_id)
    await on_rows(rows.update, unread=True, deleted_at=timezone.now() if whose == "deleted" else None)
    before = await on_rows(rows.values().get)
    at = f"/conversations/{NOTHING}/" if whose == "nobody's" else row.conversation.get_absolute_url()
    reply = await asked(browser, method, path.format(at), fields)
    if whose == "deleted" and fields == {"deleted": False}:
        assert reply.status_code == 200
        return
    assert refusal(reply) == (404, "conversation_not_found", None)
    assert await on_rows(rows.values().get) == before
    assert (await saved(row.pk)).live


@pytest.mark.parametrize(("method", "path", "fields"), PLACES)
async def test_without_a_session_every_request_is_refused(
    owner: User, log: Log, method: str, path: str, fields: Any
) -> None:
    row = await on_rows(stored, owner)
    reply = await asked(AsyncClient(), method, path.format(row.conversation.get_absolute_url()), fields)
    assert refusal(reply) == (401, "unauthenticated", None)
    assert await on_rows(User.objects.count) == 1


def test_a_change_needs_the_csrf_token_of_a_page(owner: User) -> None:
    row = stored(owner)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    path, body = row.conversation.get_absolute_url(), json.dumps({"title": "Depths"})
    assert strict.patch(path, body, "application/json").status_code == 403
    strict.get("/")  # a page gives a token, and it must be that one
    assert strict.patch(path, body, "application/json", headers={"X-CSRFToken": "x"}).status_code == 403
    row.conversation.refresh_from_db()
    assert row.conversation.title == ""


@pytest.mark.usefixtures("layer")
async def test_the_csrf_token_of_a_page_is_accepted(owner: User) -> None:
    row = await on_rows(stored, owner)
    browser = AsyncClient(enforce_csrf_checks=True)
    await browser.aforce_login(owner)
    await browser.get("/")
    token = {"X-CSRFToken": browser.cookies[settings.CSRF_COOKIE_NAME].value}
    body = json.dumps({"title": "Depths"})
    reply = await browser.patch(row.conversation.get_absolute_url(), body, "application/json", headers=token)
    assert reply.status_code == 200


async def test_a_conversation_gets_another_title(
    browser: AsyncClient, response: Response, others: Any
) -> None:
    reply = await change(browser, response.conversation, title=" The  depths\n")
    line = reply.json()
    assert (reply.status_code, line["title"]) == (200, "The depths")
    row = await on_rows(Conversation.objects.get, pk=response.conversation_id)
    assert row.title_source == TitleSource.OWNER  # no model names it from now on
    frame = await others()
    assert frame["conversation"] == line | {"deleted": False}
    assert frame["response"] is None


async def test_a_new_title_is_no_activity(browser: AsyncClient, response: Response) -> None:
    before = (await on_rows(Conversation.objects.get)).updated_at
    await change(browser, response.conversation, title="Depths")
    assert (await on_rows(Conversation.objects.get)).updated_at == before


BAD: list[tuple[bytes, int, str, str | None]] = [
    (b"", 400, "invalid_json", None),
    (b"[]", 400, "invalid_json", None),
    (b'{"title": "\xff"}', 400, "invalid_json", None),
    (b'{"title": ""}', 400, "invalid_field", "title"),
    (b'{"title": " \\n "}', 400, "invalid_field", "title"),
    (b'{"title": null}', 400, "invalid_field", "title"),
    (b'{"title": "a\\u0000b"}', 400, "invalid_field", "title"),
    (b'{"title": "' + b"x" * 81 + b'"}', 400, "invalid_field", "title"),
    (b'{"deleted": 1}', 400, "invalid_field", "deleted"),
    (b'{"deleted": null}', 400, "invalid_field", "deleted"),
    (b'{"read": false}', 400, "invalid_field", "read"),
    (b'{"owner": 1}', 400, "unknown_field", "owner"),
    (b'{"title": "' + b"x" * 2_200_000 + b'"}', 413, "frame_too_large", None),
    (b'{"title": "' + b"x" * 3_000_000 + b'"}', 413, "frame_too_large", None),
]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"), BAD, ids=[str(number) for number in range(len(BAD))]
)
async def test_a_bad_change_is_refused_and_changes_nothing(
    browser: AsyncClient, response: Response, body: bytes, status: int, code: str, param: str | None
) -> None:
    before = await on_rows(Conversation.objects.values().get)
    reply = await browser.patch(response.conversation.get_absolute_url(), body, "application/json")
    assert refusal(reply) == (status, code, param)
    assert await on_rows(Conversation.objects.values().get) == before


async def test_a_deleted_conversation_is_not_found_until_it_is_restored(
    browser: AsyncClient, owner: User, others: Any
) -> None:
    row = await on_rows(stored, owner, status=Status.COMPLETED)
    assert (await change(browser, row.conversation, deleted=True)).status_code == 200
    assert (await others())["conversation"]["deleted"] is True
    page, path = await browser.get("/conversations/"), row.conversation.get_absolute_url()
    assert page.json()["conversations"] == []
    assert (await browser.get(path)).status_code == 404
    reply = await change(browser, row.conversation, deleted=False, title="Back")
    assert (reply.status_code, reply.json()["title"]) == (200, "Back")
    assert (await others())["conversation"]["deleted"] is False
    assert (await browser.get(path)).status_code == 200


async def test_a_deletion_cancels_the_live_responses(
    browser: AsyncClient, response: Response, log: Log, others: Any
) -> None:
    answer = await Answer.begun(log, response)
    await answer.add("Two ")
    assert (await change(browser, response.conversation, deleted=True)).json()["running"] is False
    row = await saved(response.pk)
    assert (row.status, row.output) == ("cancelled", "Two ")
    assert (await others())["response"] == {
        "id": answer.id,
        "previous_response_id": None,
        "client_request_id": None,
        "status": "cancelled",
    }
    assert (await others())["conversation"]["deleted"] is True


async def test_a_response_that_begins_during_the_deletion_is_cancelled_too(
    browser: AsyncClient, owner: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await on_rows(stored, owner, status=Status.COMPLETED)
    apply = conversation_api._apply

    def begin_meanwhile(*args: Any) -> bool:
        stored(owner, conversation=root.conversation)
        return apply(*args)

    monkeypatch.setattr(conversation_api, "_apply", begin_meanwhile)
    await change(browser, root.conversation, deleted=True)
    assert await on_rows(Response.objects.filter(status=Status.CANCELLED).count) == 1


async def test_a_deletion_fails_while_a_live_response_cannot_be_cancelled(
    browser: AsyncClient, response: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*args: Any) -> None:
        raise LogError

    monkeypatch.setattr(ending, "end", unavailable)
    assert refusal(await change(browser, response.conversation, deleted=True)) == (503, "busy", None)
    assert (await on_rows(Conversation.objects.get)).deleted_at is None


async def test_a_change_is_made_even_if_it_cannot_be_announced(
    browser: AsyncClient, response: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*args: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(announcements, "change_event", unavailable)
    reply = await change(browser, response.conversation, title="Depths")
    assert (reply.status_code, reply.json()["title"]) == (200, "Depths")


READ = [("get", "{}"), ("get", "{}responses/"), ("patch", "{}")]


@pytest.mark.parametrize(("method", "path"), READ)
async def test_reading_marks_as_read_and_is_announced_once(
    browser: AsyncClient, response: Response, others: Any, method: str, path: str
) -> None:
    await on_rows(Conversation.objects.update, unread=True)
    at = path.format(response.conversation.get_absolute_url())
    for _ in range(2):
        assert (await asked(browser, method, at, {"read": True})).status_code == 200
    assert (await on_rows(Conversation.objects.get)).unread is False
    assert (await others())["conversation"]["unread"] is False
    assert others.waiting() == 0


async def test_the_responses_come_as_read(browser: AsyncClient, response: Response) -> None:
    await on_rows(Conversation.objects.update, unread=True)
    reply: Any = await browser.get(f"{response.conversation.get_absolute_url()}responses/")
    assert reply.json()["conversation"]["unread"] is False


async def test_other_methods_are_refused(browser: AsyncClient, response: Response) -> None:
    path = response.conversation.get_absolute_url()
    for method, at in (("post", "/conversations/"), ("post", f"{path}responses/"), ("put", path)):
        assert (await getattr(browser, method)(at)).status_code == 405


async def test_an_unknown_conversation_has_no_responses(browser: AsyncClient) -> None:
    reply = await browser.get(f"/conversations/{NOTHING}/responses/")
    assert refusal(reply) == (404, "conversation_not_found", None)


def test_no_connection_is_held_while_another_is_needed(owner: User) -> None:
    held = connections["default"]
    held.ensure_connection()
    seen: list[Any] = []

    async def work() -> None:
        seen.append(held.connection)

    conversation_api._run(work)
    assert seen == [None]


async def test_a_conversation_is_pinned_and_unpinned_without_activity(
    browser: AsyncClient, response: Response, others: Any
) -> None:
    before = (await on_rows(Conversation.objects.get)).updated_at
    line = (await change(browser, response.conversation, pinned=True)).json()
    assert line["pinned_at"] > 0
    assert (await others())["conversation"]["pinned_at"] == line["pinned_at"]
    again = (await change(browser, response.conversation, pinned=True)).json()
    assert again["pinned_at"] == line["pinned_at"]  # its place in the list stays
    assert (await change(browser, response.conversation, pinned=False)).json()["pinned_at"] is None
    assert (await on_rows(Conversation.objects.get)).updated_at == before


async def test_pins_have_a_bound_which_a_restored_conversation_respects(
    browser: AsyncClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_api, "MAX_PINNED", 1)
    first, second = [(await on_rows(stored, owner)).conversation for _ in range(2)]
    assert (await change(browser, first, pinned=True)).status_code == 200
    assert refusal(await change(browser, second, pinned=True)) == (409, "too_many_pinned", "pinned")
    assert (await change(browser, first, deleted=True)).status_code == 200
    assert (await change(browser, second, pinned=True)).status_code == 200
    assert (await change(browser, first, deleted=False)).json()["pinned_at"] is None
    assert (await change(browser, second, deleted=True)).status_code == 200
    assert (await change(browser, second, deleted=False)).json()["pinned_at"] is not None


async def test_all_conversations_are_counted_and_deleted_with_their_running_answers(
    browser: AsyncClient, owner: User, stranger: User, others: Any
) -> None:
    rows = [await on_rows(stored, owner) for _ in range(3)]
    theirs = await on_rows(stored, stranger)
    gone = await on_rows(stored, owner, status=Status.COMPLETED)
    await on_rows(Conversation.objects.filter(pk=gone.conversation_id).update, deleted_at=timezone.now())
    assert (await browser.get("/conversations/all/")).json() == {"count": 3}
    assert (await browser.delete("/conversations/all/")).json() == {"count": 3}
    assert (await browser.get("/conversations/")).json()["conversations"] == []
    assert {(await saved(row.pk)).status for row in rows} == {Status.CANCELLED}
    assert (await saved(theirs.pk)).status == Status.QUEUED
    assert await on_rows(Conversation.objects.visible_to(stranger.pk).count) == 1
    deleted = {frame["conversation"]["id"] for frame in [await others() for _ in range(6)]}
    assert deleted == {wire_id("conv", row.conversation_id) for row in rows}
    assert (await AsyncClient().delete("/conversations/all/")).status_code == 401


async def test_a_programs_conversation_is_none_of_the_pages(
    browser: AsyncClient, owner: User, log: Log
) -> None:
    row = await on_rows(Conversation.objects.create, owner=owner, listed=False)
    running = await on_rows(stored, owner, conversation=row, listed=False)
    nothing = (404, "conversation_not_found", None)
    assert refusal(await browser.get(f"{row.get_absolute_url()}responses/")) == nothing
    for fields in ({"title": "Mine"}, {"pinned": True}, {"deleted": True}):
        assert refusal(await change(browser, row, **fields)) == nothing
    assert (await browser.delete("/conversations/all/")).json() == {"count": 0}
    assert (await saved(running.pk)).status == Status.QUEUED
