"""The bodies of `/v1/conversations`: what they may have, and which turns their items become."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.commands import MAX_INPUT_CHARS
from chat.protocol.conversation_bodies import (
    MAX_ITEMS,
    added_items,
    as_turns,
    conversation_change,
    new_conversation,
)
from chat.protocol.errors import CommandError

QUESTION = {"role": "user", "content": "How deep is it?"}
ANSWER = {"role": "assistant", "content": "Two metres."}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "2"}
THOUGHT = {"type": "reasoning", "summary": []}
RULE = {"role": "developer", "content": "Be brief."}
ITEMS = [QUESTION, ANSWER, CALL, RESULT, THOUGHT, RULE]


def test_an_empty_body_is_a_conversation_without_items_and_metadata() -> None:
    bodies: list[dict[str, Any]] = [{}, {"items": None, "metadata": None}, {"items": []}]
    for body in bodies:
        found = new_conversation(body)
        assert (found.normalized(), found.metadata) == ([], None)


def test_items_are_in_their_full_form() -> None:
    (item,) = new_conversation({"items": [QUESTION]}).normalized()
    assert (item["type"], item["content"]) == ("message", [{"type": "input_text", "text": "How deep is it?"}])


@pytest.mark.parametrize(
    ("parse", "body", "code", "param"),
    [
        (new_conversation, {"title": "x"}, "unknown_field", "title"),
        (new_conversation, {"items": "x"}, "invalid_field", "items"),
        (new_conversation, {"items": [QUESTION] * (MAX_ITEMS + 1)}, "invalid_field", "items"),
        (
            new_conversation,
            {"items": [QUESTION, {"type": "image"}]},
            "unsupported_parameter",
            "items[1].type",
        ),
        (new_conversation, {"items": [{"role": "user"}]}, "missing_field", "items[0].content"),
        (new_conversation, {"metadata": {"k": 5}}, "invalid_field", "metadata.k"),
        (new_conversation, {"metadata": {str(n): "v" for n in range(17)}}, "invalid_field", "metadata"),
        (conversation_change, {}, "missing_field", "metadata"),
        (conversation_change, {"metadata": "x"}, "invalid_field", "metadata"),
        (added_items, {}, "missing_field", "items"),
        (added_items, {"items": None}, "invalid_field", "items"),
    ],
)
def test_a_wrong_body_is_refused_with_its_field(parse: Any, body: Any, code: str, param: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse(body)
    assert (refused.value.code, refused.value.param) == (code, param)


def test_the_texts_are_bounded_together() -> None:
    half = {"role": "user", "content": "x" * (MAX_INPUT_CHARS // 2)}
    assert len(added_items({"items": [half, half]}).normalized()) == 2
    with pytest.raises(CommandError) as refused:
        added_items({"items": [half, half, QUESTION]}).normalized()
    assert (refused.value.code, refused.value.param) == ("input_too_long", "items")


def test_null_metadata_empties_it() -> None:
    assert conversation_change({"metadata": None}).metadata is None


@given(st.lists(st.sampled_from(ITEMS), max_size=MAX_ITEMS))
def test_turns_have_all_items_in_their_order_each_question_before_its_answer(given: list[Any]) -> None:
    items = added_items({"items": given}).normalized()
    turns = as_turns(items)
    assert [item for turn in turns for item in [*turn.asked, *turn.answer]] == items
    assert [turn.first for turn in turns] == [
        sum(len(earlier.asked) + len(earlier.answer) for earlier in turns[:place])
        for place in range(len(turns))
    ]
    for turn in turns[1:]:
        assert turn.asked
    for turn in turns[:-1]:
        assert turn.answer
    for turn in turns:
        assert all(
            item.get("role") == "assistant" or "call" in item["type"] or item["type"] == "reasoning"
            for item in turn.answer
        )
        assert not any(item.get("role") == "assistant" for item in turn.asked)
