"""The latest response of a conversation: its end is known by the log before the row has it."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import Conversation, Response
from chat.protocol.commands import OF_PROGRAMS, create
from chat.protocol.errors import CommandError
from chat.responses.creation import submit
from chat.responses.program_requests import ProgramRequest
from chat.responses.running import RunningError
from chat.transport.event_log import Log
from tests.chat.answers import Answer
from tests.chat.rows import on_rows, saved, stored
from tests.harness.broker import Broker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]


async def ask(owner: User, log: Log, **fields: Any) -> Response:
    body = {"type": "response.create", "input": "And now?", "model": "demo-count"} | fields
    row, _ = await submit(owner, create(body, OF_PROGRAMS), log, ProgramRequest())
    return row


async def refusal(owner: User, log: Log, **fields: Any) -> tuple[str, str | None]:
    with pytest.raises(CommandError) as refused:
        await ask(owner, log, **fields)
    return refused.value.code, refused.value.param


@pytest.fixture
async def first(owner: User, log: Log, broker: Broker) -> Response:
    """A response that runs, in a conversation of the page."""
    return await on_rows(stored, owner)


@pytest.fixture
async def answer(log: Log, first: Response) -> Answer:
    return await Answer.begun(log, first)


def by(first: Response) -> list[dict[str, Any]]:
    """The ways in which a request continues it."""
    name = first.conversation.wire_id
    return [{"conversation": name}, {"conversation": {"id": name}}, {"previous_response_id": first.wire_id}]


@pytest.mark.usefixtures("answer")
async def test_a_response_that_runs_is_not_continued(owner: User, log: Log, first: Response) -> None:
    found = [await refusal(owner, log, **fields) for fields in by(first)]
    locked = ("conversation_locked", "conversation")
    assert found == [locked, locked, ("previous_response_running", "previous_response_id")]
    assert await on_rows(Response.objects.count) == 1


@pytest.mark.parametrize("way", range(3))
async def test_one_whose_end_is_in_the_log_alone_is_continued(
    owner: User, log: Log, first: Response, answer: Answer, way: int
) -> None:
    await answer.add("Two metres.")
    await answer.close()  # no worker: the row still runs
    row = await ask(owner, log, **by(first)[way])
    assert (row.previous_id, row.conversation_id) == (first.pk, first.conversation_id)
    assert (await saved(first.pk)).output == "Two metres."


async def test_items_of_answers_whose_end_is_in_the_log_alone_are_referenced(
    owner: User, log: Log, broker: Broker
) -> None:
    rows = [await on_rows(stored, owner) for _ in range(2)]
    answers = [await Answer.begun(log, row) for row in rows]
    for each in answers:
        await each.add("Two metres.")
    references = [
        {"type": "item_reference", "id": each.state.snapshot().response["output"][0]["id"]}
        for each in answers
    ]
    assert await refusal(owner, log, input=references) == ("item_not_found", "input[0].id")
    for each in answers:
        await each.close()
    row = await ask(owner, log, input=references)
    assert [item["content"][0]["text"] for item in row.input] == ["Two metres."] * 2


async def test_an_empty_conversation_gets_its_first_question_as_its_name(owner: User, log: Log) -> None:
    conversation = await on_rows(Conversation.objects.create, owner=owner)
    row = await ask(owner, log, conversation=conversation.wire_id)
    assert (row.previous_id, row.conversation_id, row.listed) == (None, conversation.pk, True)
    assert (await on_rows(Conversation.objects.get)).title == "And now?"


async def test_what_does_not_go_together_is_refused(owner: User, log: Log, first: Response) -> None:
    other = await on_rows(Conversation.objects.create, owner=owner)
    name = other.wire_id
    before = {"previous_response_id": first.wire_id}
    again = {"tailrace": {"regenerate_of": first.wire_id}}
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"conversation": name} | before, "invalid_field", "previous_response_id"),
        ({"conversation": name} | again, "invalid_field", "conversation"),
        ({"conversation": name, "store": False}, "unsupported_parameter", "store"),
        (
            {"conversation": name, "tailrace": {"conversation_id": first.conversation.wire_id}},
            "invalid_field",
            "tailrace.conversation_id",
        ),
        ({"conversation": f"conv_{'0' * 32}"}, "conversation_not_found", "conversation"),
        ({"conversation": "x"}, "invalid_field", "conversation"),
        ({"conversation": {}}, "invalid_field", "conversation.id"),
        ({"conversation": {"id": name, "what": 1}}, "unknown_field", "conversation.what"),
    ]
    for fields, code, param in wrong:
        assert await refusal(owner, log, **fields) == (code, param)


async def test_another_owners_and_deleted_conversations_are_unknown(
    owner: User, stranger: User, log: Log
) -> None:
    conversation = await on_rows(Conversation.objects.create, owner=owner)
    unknown = ("conversation_not_found", "conversation")
    assert await refusal(stranger, log, conversation=conversation.wire_id) == unknown
    await on_rows(Conversation.objects.update, deleted_at="2026-01-01T00:00:00Z")
    assert await refusal(owner, log, conversation=conversation.wire_id) == unknown


def test_it_names_the_response() -> None:
    error = RunningError("conversation_locked", "conversation", response_id="resp_1")
    assert (error.status, error.response_id) == (409, "resp_1")
