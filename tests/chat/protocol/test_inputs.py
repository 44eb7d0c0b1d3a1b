"""Input items: what a client may send, how it is stored, and the path of each refusal."""

from typing import Any

import pytest

from chat.protocol.commands import MAX_INPUT_CHARS, create
from chat.protocol.errors import CommandError
from chat.protocol.inputs import MAX_URL_CHARS

HTTPS = "https://example.org/a.png"
LONG = "a" * (MAX_INPUT_CHARS // 2 + 1)
DATA = "data:image/png;base64,AAAA"
TEXT: dict[str, Any] = {"type": "input_text", "text": "a"}
IMAGE: dict[str, Any] = {"type": "input_image", "image_url": HTTPS}
FILE: dict[str, Any] = {"type": "input_file", "file_data": DATA}
CALL: dict[str, Any] = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{"}
RESULT: dict[str, Any] = {"type": "function_call_output", "call_id": "c", "output": ""}
DONE = {"status": "completed"}


def message(*parts: Any, role: str = "user", **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)} | fields


def stored(*items: Any) -> list[dict[str, Any]]:
    return create({"type": "response.create", "input": list(items)}).items()


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("user", "input_text"),
        ("system", "input_text"),
        ("developer", "input_text"),
        ("assistant", "output_text"),
    ],
)
def test_an_easy_message_is_stored_as_a_full_one(role: str, kind: str) -> None:
    easy = {"role": role, "content": "a"}
    more: dict[str, Any] = {"annotations": [], "logprobs": []} if role == "assistant" else {}
    full = {"type": "message", "role": role, "content": [{"type": kind, "text": "a"} | more]} | DONE
    assert stored(easy) == stored(easy | {"type": None}) == [full]


@pytest.mark.parametrize(
    "part",
    [
        TEXT,
        {"type": "text", "text": "a"},
        {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "No."},
        IMAGE,
        IMAGE | {"detail": "low"},
        {"type": "input_image", "image_url": DATA},
        {"type": "input_image", "file_id": "file_1"},
        FILE | {"filename": "a.png"},
        {"type": "input_file", "file_url": HTTPS},
        {"type": "input_file", "file_id": "file_1"},
    ],
)
def test_a_part_is_stored_as_it_is_without_unknown_keys(part: dict[str, Any]) -> None:
    sent = message(TEXT, part | {"parsed": {"x": 1}, "prompt_cache_breakpoint": None}, id="msg_1", status="x")
    assert stored(sent) == [message(TEXT, part) | DONE]
    result = RESULT | {"output": [part | {"x": 1}]}
    assert stored(result) == [RESULT | {"output": [part]} | DONE]


@pytest.mark.parametrize(
    "item",
    [
        CALL | DONE,
        RESULT | DONE,
        RESULT | {"output": "text"} | DONE,
        {"type": "reasoning", "summary": [], "content": []} | DONE,
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "s"}],
            "content": [{"type": "reasoning_text", "text": "r"}],
            "encrypted_content": "e",
        }
        | DONE,
        message(TEXT, name="ann", phase="commentary") | DONE,
        {"type": "item_reference", "id": "msg_1"},
    ],
)
def test_an_item_is_stored_as_it_is_without_unknown_keys(item: dict[str, Any]) -> None:
    sent = {name: value for name, value in item.items() if name != "status"} | {"parsed_arguments": {"x": 1}}
    sent |= {} if item["type"] == "item_reference" else {"id": "x_1", "status": "in_progress"}
    assert stored(message(TEXT), sent)[1] == item


def test_a_reference_needs_no_type() -> None:
    assert stored({"id": "msg_1"}) == stored({"id": "msg_1", "type": None})
    assert stored({"id": "msg_1"}) == [{"type": "item_reference", "id": "msg_1"}]


@pytest.mark.parametrize(
    ("items", "code", "param"),
    [
        ([5], "invalid_field", "input[0]"),
        ([{}], "missing_field", "input[0].role"),
        ([message(TEXT), {"role": "user"}], "missing_field", "input[1].content"),
        ([{"role": "user", "content": None}], "invalid_field", "input[0].content"),
        ([{"role": "user", "content": {"type": "text"}}], "invalid_field", "input[0].content"),
        ([message(TEXT, role="tool")], "invalid_field", "input[0].role"),
        ([message(TEXT, name=5)], "invalid_field", "input[0].name"),
        ([TEXT], "unsupported_parameter", "input[0].type"),
        ([message(TEXT)] * 3 + [{"type": "web_search_call"}], "unsupported_parameter", "input[3].type"),
        ([{"type": 5}], "invalid_field", "input[0].type"),
        ([{"type": ["message"]}], "invalid_field", "input[0].type"),
        ([message(5)], "invalid_field", "input[0].content[0]"),
        ([message(TEXT, {"text": "a"})], "missing_field", "input[0].content[1].type"),
        ([message({"type": 5})], "invalid_field", "input[0].content[0].type"),
        ([message({"type": "input_audio"})], "unsupported_parameter", "input[0].content[0].type"),
        ([message(TEXT | {"text": None})], "invalid_field", "input[0].content[0].text"),
        ([message(TEXT | {"text": "a\x00"})], "invalid_field", "input[0].content[0].text"),
        ([message(TEXT, {"type": "refusal"})], "missing_field", "input[0].content[1].refusal"),
        ([message(TEXT, IMAGE | {"image_url": "x"})], "invalid_field", "input[0].content[1].image_url"),
        ([message(IMAGE | {"image_url": "http://a/b"})], "invalid_field", "input[0].content[0].image_url"),
        ([message(IMAGE | {"image_url": {"url": DATA}})], "invalid_field", "input[0].content[0].image_url"),
        (
            [message(IMAGE | {"image_url": HTTPS + "x" * MAX_URL_CHARS})],
            "invalid_field",
            "input[0].content[0].image_url",
        ),
        ([message({"type": "input_image"})], "missing_field", "input[0].content[0].image_url"),
        ([message(IMAGE | {"file_id": "f"})], "invalid_field", "input[0].content[0].file_id"),
        ([message(IMAGE | {"detail": "huge"})], "invalid_field", "input[0].content[0].detail"),
        ([message({"type": "input_file"})], "missing_field", "input[0].content[0].file_data"),
        ([message(FILE | {"file_url": HTTPS})], "invalid_field", "input[0].content[0].file_url"),
        (
            [message({"type": "input_file", "file_url": DATA})],
            "invalid_field",
            "input[0].content[0].file_url",
        ),
        ([message(FILE | {"filename": "f" * 256})], "invalid_field", "input[0].content[0].filename"),
        ([CALL | {"name": ""}], "invalid_field", "input[0].name"),
        ([CALL | {"arguments": {}}], "invalid_field", "input[0].arguments"),
        ([{"type": "function_call"}], "missing_field", "input[0].call_id"),
        ([RESULT | {"output": 5}], "invalid_field", "input[0].output"),
        ([RESULT | {"output": [IMAGE | {"image_url": 5}]}], "invalid_field", "input[0].output[0].image_url"),
        ([{"type": "reasoning", "summary": [{}]}], "missing_field", "input[0].summary[0].text"),
        ([{"type": "item_reference"}], "missing_field", "input[0].id"),
        ([{"type": "item_reference", "id": "i" * 201}], "invalid_field", "input[0].id"),
        ([message()], "empty_input", "input"),
        ([message(TEXT | {"text": " "})], "empty_input", "input"),
        ([{"type": "reasoning", "content": [{"text": "r"}]}], "empty_input", "input"),
        (
            [CALL | {"arguments": LONG}, RESULT | {"output": LONG}],
            "input_too_long",
            "input",
        ),
        ([message(TEXT | {"text": LONG})] * 2, "input_too_long", "input"),
        (
            [message(TEXT), {"type": "reasoning", "summary": [{"text": "s" * MAX_INPUT_CHARS}]}],
            "input_too_long",
            "input",
        ),
        (
            [message(TEXT), {"type": "reasoning", "encrypted_content": "s" * MAX_INPUT_CHARS}],
            "input_too_long",
            "input",
        ),
    ],
)
def test_a_refusal_names_the_exact_place(items: list[Any], code: str, param: str) -> None:
    with pytest.raises(CommandError) as refused:
        stored(*items)
    assert (refused.value.code, refused.value.param) == (code, param)


@pytest.mark.parametrize("item", [message(IMAGE), message(FILE), RESULT, {"id": "msg_1"}])
def test_an_input_without_text_may_have_something_to_answer(item: dict[str, Any]) -> None:
    assert stored(item)


def test_data_is_no_text() -> None:
    assert stored(message(TEXT, IMAGE | {"image_url": DATA + "A" * 20_000}))
