"""Items that a program adds to a conversation, or deletes: turns without a model."""

import base64
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from chat.api.conversation_bodies import MAX_ITEMS, added_items
from chat.conversations.items import item_page, items_of
from chat.conversations.turns import turn, turns
from chat.file_models import FileUse
from chat.models import Conversation, Response, Status
from chat.protocol.errors import CommandError
from chat.responses.added_items import add_items, as_turns, create_conversation, delete_item
from chat.responses.prompt import prompt
from chat.responses.running import RunningError
from chat.sharing.turns import shared_turns
from tests.chat.contents import PNG
from tests.chat.rows import stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]

QUESTION = {"role": "user", "content": "How deep is it?"}
ANSWER = {"role": "assistant", "content": "Two metres."}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "2"}
THOUGHT = {"type": "reasoning", "summary": []}
RULE = {"role": "developer", "content": "Be brief."}
ITEMS = [QUESTION, ANSWER, CALL, RESULT, THOUGHT, RULE]
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64," + base64.b64encode(PNG).decode()}


def normalized(*items: Any) -> list[Any]:
    return added_items({"items": list(items)}).normalized()


@pytest.fixture
def conversation(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner)


def test_each_question_and_its_answer_become_an_ended_turn(owner: User, conversation: Conversation) -> None:
    rows = add_items(owner, conversation, normalized(QUESTION, ANSWER, QUESTION))
    found = list(Response.objects.order_by("id"))
    assert found == rows
    first, second = found
    assert (first.previous, second.previous) == (None, first)
    assert {(row.model, row.status, row.conversation_id) for row in found} == {
        ("", Status.COMPLETED, conversation.pk)
    }
    assert [(row.asked, row.output, row.answered) for row in found] == [
        ("How deep is it?", "Two metres.", True),
        ("How deep is it?", "", False),
    ]
    assert first.ended_at is not None
    assert turns(conversation)[0]["added"]
    assert shared_turns(conversation)[0]["added"]
    assert not turn(stored(owner))["added"]
    assert [item["id"] for item in items_of(first)] == [f"msg_{first.id.hex}_i0", f"msg_{first.id.hex}_0"]


def test_the_next_prompt_has_them(owner: User, conversation: Conversation) -> None:
    rows = add_items(owner, conversation, normalized(QUESTION, CALL, RESULT))
    row = stored(owner, "And now?", conversation=conversation, previous=rows[-1])
    assert [message["role"] for message in prompt(row).messages] == ["user", "assistant", "tool", "user"]


def test_they_follow_the_latest_turn_and_name_the_conversation(
    owner: User, conversation: Conversation
) -> None:
    before = conversation.updated_at
    (first,) = add_items(owner, conversation, normalized(QUESTION, ANSWER))
    (second,) = add_items(owner, conversation, normalized({"role": "user", "content": "And wide?"}))
    assert second.previous == first
    conversation.refresh_from_db()
    assert conversation.title == "How deep is it?"
    assert conversation.updated_at > before


def test_while_the_latest_turn_runs_nothing_is_added_or_deleted(
    owner: User, conversation: Conversation
) -> None:
    (first,) = add_items(owner, conversation, normalized(QUESTION, ANSWER))
    running = stored(owner, conversation=conversation, previous=first)
    with pytest.raises(RunningError) as refused:
        add_items(owner, conversation, normalized(QUESTION))
    assert (refused.value.code, refused.value.response_id) == ("conversation_locked", running.wire_id)
    running.input = [running.input[0] | {"id": f"msg_{running.id.hex}_i0"}]
    running.save()
    with pytest.raises(RunningError):
        delete_item(conversation, running.input[0]["id"])
    delete_item(conversation, first.items[0]["id"])  # that turn has ended
    assert Response.objects.count() == 2


def test_a_refused_item_is_named_and_nothing_is_stored(owner: User, conversation: Conversation) -> None:
    missing = {"role": "user", "content": [{"type": "input_file", "file_id": "file-0"}]}
    unknown = {"type": "item_reference", "id": f"msg_{'0' * 32}_0"}
    for bad, code, param in [
        (missing, "file_not_found", "items[2].content[0].file_id"),
        (unknown, "item_not_found", "items[2].id"),
    ]:
        for work in (
            lambda items: add_items(owner, conversation, items),
            lambda items: create_conversation(owner, {}, items),
        ):
            with pytest.raises(CommandError) as refused:
                work(normalized(QUESTION, ANSWER, bad))
            assert (refused.value.code, refused.value.param) == (code, param)
    assert (Response.objects.count(), Conversation.objects.count()) == (0, 1)


def test_a_conversation_is_made_with_items_and_metadata(owner: User) -> None:
    conversation, (row,) = create_conversation(owner, {"title": "Depths"}, normalized(QUESTION))
    assert row.conversation == conversation
    found = Conversation.objects.get()
    assert (found.title, found.metadata, found.listed) == ("Depths", {"title": "Depths"}, True)
    assert create_conversation(owner, {}, [])[1] == []


def test_files_in_items_are_kept_as_long_as_an_item_has_them(owner: User, conversation: Conversation) -> None:
    with_image = {"role": "user", "content": [IMAGE]}
    (row,) = add_items(owner, conversation, normalized(with_image, QUESTION, ANSWER))
    assert row.input[0]["content"][0]["file_id"]
    assert FileUse.objects.filter(response=row).count() == 1
    delete_item(conversation, row.input[1]["id"])
    assert FileUse.objects.filter(response=row).count() == 1
    delete_item(conversation, row.input[0]["id"])
    assert FileUse.objects.filter(response=row).count() == 0


def test_a_deleted_item_is_in_no_list_and_no_search(owner: User, conversation: Conversation) -> None:
    (row,) = add_items(owner, conversation, normalized(QUESTION, ANSWER))
    assert delete_item(conversation, row.items[0]["id"]).pk == row.pk
    row.refresh_from_db()
    assert (row.output, row.answered, row.asked) == ("", False, "How deep is it?")
    delete_item(conversation, row.input[0]["id"])
    row.refresh_from_db()
    assert row.asked == ""
    assert item_page(conversation, "", 20, newest_first=True) == ([], False)
    with pytest.raises(CommandError):
        delete_item(conversation, f"msg_{row.id.hex}_i0")


@given(st.lists(st.sampled_from(ITEMS), max_size=MAX_ITEMS))
def test_turns_have_all_items_in_their_order_each_question_before_its_answer(given: list[Any]) -> None:
    items = normalized(*given)
    found = as_turns(items)
    assert [item for each in found for item in [*each.asked, *each.answer]] == items
    assert [each.first for each in found] == [
        sum(len(earlier.asked) + len(earlier.answer) for earlier in found[:place])
        for place in range(len(found))
    ]
    for each in found[1:]:
        assert each.asked
    for each in found[:-1]:
        assert each.answer
    for each in found:
        assert all(
            item.get("role") == "assistant" or "call" in item["type"] or item["type"] == "reasoning"
            for item in each.answer
        )
        assert not any(item.get("role") == "assistant" for item in each.asked)
