"""The bodies of `/v1/conversations`: their fields, and the refusal of others."""

from typing import Any

import pytest

from chat.api.conversation_bodies import (
    MAX_ITEMS,
    added_items,
    conversation_change,
    new_conversation,
)
from chat.protocol.commands import MAX_INPUT_CHARS
from chat.protocol.errors import CommandError

QUESTION = {"role": "user", "content": "How deep is it?"}


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
