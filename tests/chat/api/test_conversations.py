"""`/v1/conversations`: lists of items that a program and a page share."""

from typing import Any
from unittest.mock import AsyncMock

import pytest
from django.contrib.auth.models import User

from chat.models import Conversation, Response, Status
from chat.responses import ending
from chat.transport.event_log import Log, LogError
from tests.chat.answers import Answer
from tests.chat.api.answering import completed, in_background
from tests.chat.api.client import Program
from tests.chat.communicator import joined, opened
from tests.chat.rows import on_rows, saved, stored
from tests.sdk.schemas import openai

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

QUESTION = {"role": "user", "content": "How deep is it?"}
ANSWER = {"role": "assistant", "content": "Two metres."}


async def made(program: Program, **fields: Any) -> str:
    """The id of a new conversation."""
    reply = await program.ask("POST", "conversations", fields)
    assert reply.status == 200, reply.body
    found = reply.json()
    assert openai().faults_of("ConversationResource", found) == []
    return str(found["id"])


async def items(program: Program, conversation: str, query: str = "?order=asc") -> list[Any]:
    reply = await program.ask("GET", f"conversations/{conversation}/items{query}")
    assert reply.status == 200, reply.body
    found = reply.json()
    assert openai().faults_of("ConversationItemList", found) == []
    return list(found["data"])


def texts(found: list[Any]) -> list[str]:
    return [item["content"][0]["text"] for item in found]


async def test_a_conversation_is_made_found_changed_and_deleted(program: Program) -> None:
    name = await made(program, metadata={"topic": "pond"})
    reply = await program.ask("GET", f"conversations/{name}")
    assert reply.json()["metadata"] == {"topic": "pond"}
    changed = {"metadata": {"title": "  The\nPond ", "k": "v"}}
    reply = await program.ask("POST", f"conversations/{name}", changed)
    assert reply.json()["metadata"] == changed["metadata"]
    assert (await on_rows(Conversation.objects.get)).title == "The Pond"
    reply = await program.ask("DELETE", f"conversations/{name}")
    assert reply.json() == {"id": name, "object": "conversation.deleted", "deleted": True}
    reply = await program.ask("GET", f"conversations/{name}")
    assert reply.error == (404, "conversation_not_found", "conversation_id")


async def test_items_of_an_answer_that_has_just_ended_are_added_by_reference(
    program: Program, log: Log
) -> None:
    answer = await in_background(program, log)
    await answer.add("Two metres.")
    await answer.close()  # no worker: the row still runs
    (output,) = (await program.ask("GET", f"responses/{answer.id}")).json()["output"]
    name = await made(program, items=[QUESTION, {"type": "item_reference", "id": output["id"]}])
    assert texts(await items(program, name)) == ["How deep is it?", "Two metres."]


async def test_what_a_program_asks_continues_the_conversation(program: Program, log: Log) -> None:
    name = await made(program, items=[QUESTION, ANSWER])
    first = (await completed(program, log, "Four.", input="And wide?", conversation=name)).json()
    assert first["conversation"] == {"id": name}
    second = (await completed(program, log, "No.", input="Deeper?", conversation={"id": name})).json()
    assert second["previous_response_id"] == first["id"]
    assert texts(await items(program, name)) == [
        "How deep is it?",
        "Two metres.",
        "And wide?",
        "Four.",
        "Deeper?",
        "No.",
    ]
    assert texts(await items(program, name, "?limit=2")) == ["No.", "Deeper?"]


async def test_items_are_added_found_and_deleted(program: Program, log: Log) -> None:
    name = await made(program)
    reply = await program.ask("POST", f"conversations/{name}/items", {"items": [QUESTION, ANSWER]})
    added = reply.json()
    assert openai().faults_of("ConversationItemList", added) == []
    assert texts(added["data"]) == ["How deep is it?", "Two metres."]
    item = added["data"][1]
    reply = await program.ask("GET", f"conversations/{name}/items/{item['id']}")
    assert reply.json() == item
    reply = await program.ask("DELETE", f"conversations/{name}/items/{item['id']}")
    assert openai().faults_of("ConversationResource", reply.json()) == []
    assert texts(await items(program, name)) == ["How deep is it?"]
    reply = await program.ask("GET", f"conversations/{name}/items/{item['id']}")
    assert reply.error == (404, "item_not_found", "item_id")


async def test_items_of_answers_that_have_ended_in_the_log_alone_are_found(
    program: Program, log: Log
) -> None:
    names = [await made(program) for _ in range(3)]
    answers = [await in_background(program, log, conversation=name) for name in names]
    assert texts(await items(program, names[0])) == ["How deep is it?"]
    for answer in answers:
        await answer.add("Four.")
        await answer.close()  # the rows follow
    item = {
        name: each.state.snapshot().response["output"][0] for name, each in zip(names, answers, strict=True)
    }
    paths = [f"conversations/{name}/items/{item[name]['id']}" for name in names]
    assert texts(await items(program, names[0])) == ["How deep is it?", "Four."]
    assert (await program.ask("GET", paths[1])).json() == item[names[1]]
    assert (await program.ask("DELETE", paths[2])).status == 200
    assert texts(await items(program, names[2])) == ["How deep is it?"]


async def test_a_deleted_item_is_in_no_log(program: Program, log: Log) -> None:
    name = await made(program)
    response = (await completed(program, log, "Four.", conversation=name)).json()
    assert await log.state(response["id"]) is not None
    item = response["output"][0]["id"]
    assert (await program.ask("DELETE", f"conversations/{name}/items/{item}")).status == 200
    assert await log.state(response["id"]) is None


async def test_while_a_response_runs_its_conversation_is_locked(
    program: Program, owner: User, log: Log
) -> None:
    row = await on_rows(stored, owner)
    answer = await Answer.begun(log, row)
    name = row.conversation.wire_id
    body = {"model": "demo-count", "input": "?", "conversation": name}
    asked = await program.ask("POST", "responses", body)
    added = await program.ask("POST", f"conversations/{name}/items", {"items": [QUESTION]})
    assert [asked.error, added.error] == [(409, "conversation_locked", "conversation")] * 2
    await answer.close()  # the row follows
    assert (await program.ask("POST", f"conversations/{name}/items", {"items": [QUESTION]})).status == 200


async def test_a_deletion_stops_what_runs(program: Program, owner: User, log: Log) -> None:
    row = await on_rows(stored, owner)
    await Answer.begun(log, row)
    assert (await program.ask("DELETE", f"conversations/{row.conversation.wire_id}")).status == 200
    assert (await saved(row.pk)).status == Status.CANCELLED


async def test_a_deletion_fails_while_a_response_cannot_be_cancelled(
    program: Program, owner: User, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await on_rows(stored, owner)
    monkeypatch.setattr(ending, "end", AsyncMock(side_effect=LogError))
    reply = await program.ask("DELETE", f"conversations/{row.conversation.wire_id}")
    assert reply.error == (503, "busy", None)
    assert (await on_rows(Conversation.objects.get)).deleted_at is None


async def test_a_page_sees_what_a_program_does(program: Program, owner: User, log: Log) -> None:
    async with opened(owner) as page:
        await joined(owner)
        name = await made(program, metadata={"title": "Depths"})
        change = await page.change()
        line = change["conversation"]
        assert (line["id"], line["title"], change["response"]) == (name, "Depths", None)
        await program.ask("POST", f"conversations/{name}/items", {"items": [QUESTION, ANSWER]})
        change = await page.change()
        assert change["response"]["status"] == "completed"
        await program.ask("POST", f"conversations/{name}", {"metadata": {"title": "Widths"}})
        assert (await page.change())["conversation"]["title"] == "Widths"
        await program.ask("DELETE", f"conversations/{name}")
        assert (await page.change())["conversation"]["deleted"] is True


async def test_another_owners_conversations_do_not_exist(program: Program, stranger: User, log: Log) -> None:
    row = await on_rows(stored, stranger, output="Two.", status=Status.COMPLETED)
    name, item = row.conversation.wire_id, row.items[0]["id"]
    requests: list[tuple[str, str, Any]] = [
        ("GET", f"conversations/{name}", None),
        ("POST", f"conversations/{name}", {"metadata": {}}),
        ("DELETE", f"conversations/{name}", None),
        ("GET", f"conversations/{name}/items", None),
        ("POST", f"conversations/{name}/items", {"items": [QUESTION]}),
        ("GET", f"conversations/{name}/items/{item}", None),
        ("DELETE", f"conversations/{name}/items/{item}", None),
        ("GET", "conversations/nonsense", None),
    ]
    for method, path, body in requests:
        reply = await program.ask(method, path, body)
        assert reply.error == (404, "conversation_not_found", "conversation_id"), (method, path)
    assert await on_rows(Response.objects.count) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "conversations", {"what": 1}, (400, "unknown_parameter", "what")),
        ("POST", "conversations", {"items": [QUESTION] * 21}, (400, "invalid_value", "items")),
        (
            "POST",
            "conversations",
            {"items": [{"type": "x"}]},
            (400, "unsupported_parameter", "items[0].type"),
        ),
        ("POST", "conversations", [], (400, "invalid_json", None)),
        ("POST", "conversations/{}", {}, (400, "missing_required_parameter", "metadata")),
        ("POST", "conversations/{}/items", {}, (400, "missing_required_parameter", "items")),
        ("GET", "conversations/{}/items?limit=0", None, (400, "invalid_value", "limit")),
        ("GET", "conversations/{}/items?order=up", None, (400, "invalid_value", "order")),
        ("GET", "conversations/{}/items?after=x", None, (400, "invalid_value", "after")),
        ("GET", "conversations/{}/items?before=x", None, (400, "unknown_parameter", "before")),
        ("GET", "conversations", None, (405, "method_not_allowed", None)),
    ],
)
async def test_a_wrong_request_is_refused_with_its_field(
    program: Program, log: Log, method: str, path: str, body: Any, expected: Any
) -> None:
    name = await made(program)
    reply = await program.ask(method, path.format(name), body)
    assert reply.error == expected
    assert await on_rows(Conversation.objects.count) == 1
