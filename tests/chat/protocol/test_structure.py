"""Structure: whatever a frame holds, the validator finds a bounded number of faults in it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chat.protocol import commands
from chat.protocol.commands import MAX_FRAME_BYTES, Create, parse
from chat.protocol.errors import CommandError
from chat.protocol.fields import MAX_PARAM_CHARS
from chat.protocol.structure import (
    _STRING,
    MAX_FRAME_STRUCTURE,
    MAX_ITEMS,
    MAX_METADATA,
    MAX_PARTS,
    check_structure,
    strings,
)
from tests.harness.waiting import within

MANY = 18_000
MOST_ERRORS = 60  # a frame has about 35 fields, and metadata 16 pairs
KEYS: dict[str, Any] = {f"k{number}": 0 for number in range(MANY)}
PART = {"type": "input_text", "text": "a"}


def message(**fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": "a"} | fields


HOSTILE: dict[str, Any] = {
    "unknown fields": KEYS,
    "unknown options": {"tailrace": KEYS},
    "unknown fields of the text": {"text": KEYS},
    "unknown fields of the reasoning": {"reasoning": KEYS},
    "unknown fields of the stream": {"stream_options": KEYS},
    "unknown fields of a message": {"input": [message(**KEYS, role=0)]},
    "unknown fields of a part": {"input": [message(content=[PART | KEYS | {"text": 0}])]},
    "tools": {"tools": [{}] * MANY},
    "more tools": {"tools": [{"type": "function", "name": "f"}] * 5_000},
    "tools of the wrong type": {"tools": [0] * MANY},
    "allowed tools": {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{}] * MANY}},
    "includes": {"include": [0] * MANY},
    "stops": {"stop": [0] * MANY},
    "outputs": {"input": [{"type": "function_call_output", "call_id": "c", "output": [{}] * 900}] * 2},
    "summaries": {"input": [{"type": "reasoning", "summary": [{}] * 900}] * 2},
    "wrong summaries": {"input": [{"type": "reasoning", "summary": [{}] * MAX_PARTS}]},
    "every field": {name: [[]] for name in Create.model_fields if name != "type"},
    "metadata": {"metadata": KEYS},
    "metadata of the wrong type": {"metadata": {f"{number:099}": 0 for number in range(MAX_METADATA)}},
    "messages": {"input": [{}] * MANY},
    "messages of the wrong type": {"input": [0] * MAX_ITEMS},
    "parts": {"input": [message(content=[{}] * 7_000)]},
    "parts of the wrong type": {"input": [message(content=[{}] * MAX_PARTS)]},
    "parts of many messages": {"input": [message(content=[0] * 2)] * MAX_ITEMS},
    "lists": {"input": [[[]] * 100] * 100},
}


@pytest.mark.parametrize(
    "frame",
    [
        '{"input": [' + ",".join(['{"a":{}}'] * 220_000) + "]}",
        '{"input": [' + ",".join(['""'] * 600_000) + "]}",
        '{"input": "' + "a" * MAX_FRAME_STRUCTURE + '", "k": [' + "0," * (MAX_FRAME_STRUCTURE // 2) + "0]}",
    ],
    ids=["objects", "texts", "numbers after a text"],
)
def test_a_long_frame_of_anything_but_texts_is_not_parsed(
    frame: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "from_json", None)
    assert MAX_FRAME_STRUCTURE < len(frame) < MAX_FRAME_BYTES
    with pytest.raises(CommandError) as refused:
        parse(frame)
    assert refused.value.code == "frame_too_large"


@pytest.mark.parametrize("text", ['say "yes"\\\n' * 30_000, "{[" * 200_000, "\\" * 300_000, '"' * 300_000])
def test_a_long_text_may_have_any_characters(text: str) -> None:
    check_structure(json.dumps({"type": "response.create", "input": text}))


def test_a_text_without_an_end_is_read_once() -> None:
    with within(20):  # each start anew would take minutes
        check_structure('"' + '\\"' * 1_000_000)
        check_structure('"' + "\\" * 2_000_001)


@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_frame_has_few_errors(fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def validated(body: dict[str, Any]) -> Any:
        try:
            return Create.__pydantic_validator__.validate_python(body)
        except ValidationError as invalid:
            counts.append(invalid.error_count())
            raise

    monkeypatch.setattr(Create, "model_validate", validated)
    frame = json.dumps({"type": "response.create", "input": "a"} | fields)
    assert len(frame) <= MAX_FRAME_BYTES
    with pytest.raises(CommandError) as refused:
        parse(frame)
    assert refused.value.code in ("unknown_field", "invalid_field", "missing_field")
    assert sum(counts) <= MOST_ERRORS


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"warmth": 1}, "unknown_field", "warmth"),
        ({"tailrace": {"x": 1}}, "unknown_field", "tailrace.x"),
        ({"k" * 1_000: 1}, "unknown_field", "k" * MAX_PARAM_CHARS),
        ({"text": {"x": 1}}, "unknown_field", "text.x"),
        ({"reasoning": {"x": 1}}, "unknown_field", "reasoning.x"),
        ({"input": [message()] * (MAX_ITEMS + 1)}, "invalid_field", "input"),
        ({"input": [message(content=[PART] * 501)] * 2}, "invalid_field", "input"),
        ({"metadata": {str(number): "" for number in range(MAX_METADATA + 1)}}, "invalid_field", "metadata"),
    ],
)
def test_a_refusal_of_the_structure_names_the_field(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse(json.dumps({"type": "response.create", "input": "a", "stream_id": "s"} | fields))
    assert (refused.value.code, refused.value.param, refused.value.stream_id) == (code, param, "s")


def test_the_most_messages_and_parts_are_accepted() -> None:
    few = [message(content=[PART] * 2) for _ in range(MAX_ITEMS)]
    assert isinstance(parse(json.dumps({"type": "response.create", "input": few})), Create)


def test_an_unknown_field_of_any_command_is_found_first() -> None:
    with pytest.raises(CommandError) as refused:
        parse(json.dumps({"type": "tailrace:cancel", "response_id": 0} | KEYS))
    assert (refused.value.code, refused.value.param) == ("unknown_field", "k0")


@given(st.text(alphabet='"\\\\a,{é', max_size=40))
def test_the_strings_of_a_frame_are_those_of_the_expression(frame: str) -> None:
    assert list(strings(frame)) == [found.span() for found in _STRING.finditer(frame)]
