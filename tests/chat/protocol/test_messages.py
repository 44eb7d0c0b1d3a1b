"""Messages: items as chat completions have them, and nothing of them lost."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.messages import (
    MISSING,
    OMITTED,
    FileData,
    messages,
    named_files,
    results,
    with_calls_only,
    with_data,
    without_open_calls,
)
from tests.chat.protocol.test_inputs import CALL, DATA, FILE, HTTPS, IMAGE, RESULT, TEXT, message, stored

FUNCTION = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}


def of(*items: Any) -> list[dict[str, Any]]:
    return messages(stored(*items, {"role": "user", "content": "end"}))[:-1]


@pytest.mark.parametrize("role", ["user", "assistant", "system", "developer"])
def test_a_content_of_texts_is_one_text(role: str) -> None:
    parts = [TEXT, {"type": "text", "text": "b"}, {"type": "refusal", "refusal": "c"}]
    assert of({"role": role, "content": "a"}) == [{"role": role, "content": "a"}]
    assert of(message(*parts, role=role, name="ann", phase="x")) == [
        {"role": role, "content": "abc", "name": "ann"}
    ]


def test_other_contents_are_parts() -> None:
    by_address = {"type": "input_file", "file_url": HTTPS}
    parts = [TEXT, IMAGE, IMAGE | {"detail": "low"}, FILE | {"filename": "a.pdf"}, by_address]
    content = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": HTTPS}},
        {"type": "image_url", "image_url": {"url": HTTPS, "detail": "low"}},
        {"type": "file", "file": {"file_data": DATA, "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": HTTPS}},
    ]
    assert of(message(*parts)) == [{"role": "user", "content": content}]
    assert of(RESULT | {"output": parts}) == [{"role": "tool", "tool_call_id": "c", "content": content}]


def test_neighbouring_calls_are_one_message_with_the_text_before_them() -> None:
    reasoning = {"type": "reasoning", "content": [{"text": "hm"}]}
    text = message(TEXT, role="assistant")
    assert of(CALL, reasoning, CALL) == [
        {"role": "assistant", "content": None, "tool_calls": [FUNCTION, FUNCTION]}
    ]
    assert of(text, text, reasoning, CALL, CALL, RESULT, CALL) == [
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": "a", "tool_calls": [FUNCTION, FUNCTION]},
        {"role": "tool", "tool_call_id": "c", "content": ""},
        {"role": "assistant", "content": None, "tool_calls": [FUNCTION]},
    ]
    assert of(message(TEXT), CALL)[1] == {"role": "assistant", "content": None, "tool_calls": [FUNCTION]}


def test_a_call_that_was_cut_off_is_left_out() -> None:
    assert messages([CALL | {"status": "incomplete"}]) == []
    assert len(messages([CALL | {"status": "completed"}])) == 1


def test_calls_alone_keep_those_that_are_wanted() -> None:
    found = of(message(TEXT, role="assistant"), CALL, CALL | {"call_id": "d"}, RESULT)
    assert with_calls_only(found, {"c"}) == [{"role": "assistant", "content": None, "tool_calls": [FUNCTION]}]
    assert with_calls_only(found, set()) == []


def test_stored_files_are_named_until_their_data_is_there() -> None:
    image, file = {"type": "input_image", "file_id": "file_1"}, {"type": "input_file", "file_id": "file_2"}
    found = of(message(TEXT, image, file | {"filename": "a.pdf"}, IMAGE, image), CALL)
    assert list(named_files(found)) == ["file_1", "file_2", "file_1"]
    data = FileData("b.pdf", DATA)
    filled = with_data(found, {"file_1": data, "file_2": data})
    assert [part.get("image_url") for part in filled[0]["content"]] == [
        None,
        {"url": DATA},
        None,
        {"url": HTTPS},
        {"url": DATA},
    ]
    assert filled[0]["content"][2] == {"type": "file", "file": {"file_data": DATA, "filename": "a.pdf"}}
    assert filled[1:] == found[1:]
    assert list(named_files(filled)) == []
    assert with_data(found, {"file_1": data})[0]["content"][2] == MISSING
    assert with_data(found, {"file_1": data}, omitted={"file_2"})[0]["content"][2] == OMITTED


def test_a_file_without_a_name_has_that_of_the_stored_one() -> None:
    found = with_data(
        of(message({"type": "input_file", "file_id": "file_1"})), {"file_1": FileData("a.pdf", DATA)}
    )
    assert found[0]["content"] == [{"type": "file", "file": {"file_data": DATA, "filename": "a.pdf"}}]


def test_a_text_file_is_text_and_texts_alone_are_one_string() -> None:
    file = {"type": "input_file", "file_id": "file_1"}
    texts = {"file_1": FileData("b.txt", text="Two metres.\n")}
    assert with_data(of(message(TEXT, file | {"filename": "a.txt"})), texts) == [
        {"role": "user", "content": "a\n\nFile a.txt:\n\nTwo metres.\n"}
    ]
    (mixed,) = with_data(of(message(TEXT, IMAGE, file)), texts)
    assert [part["type"] for part in mixed["content"]] == ["text", "image_url", "text"]
    assert mixed["content"][2]["text"] == "File b.txt:\n\nTwo metres.\n"


def test_calls_without_a_result_are_left_out() -> None:
    open_call, wordless = CALL | {"call_id": "d"}, CALL | {"call_id": "e"}
    found = of(message(TEXT, role="assistant"), CALL, open_call, RESULT, wordless, message(TEXT))
    assert [call["id"] for call in found[0]["tool_calls"]] == ["c", "d"]
    kept = without_open_calls(found, results(found))
    assert kept == [found[0] | {"tool_calls": [FUNCTION]}, found[1], found[3]]
    spoken = of(message(TEXT, role="assistant"))
    assert without_open_calls(of(message(TEXT, role="assistant"), open_call), ()) == spoken


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
names = st.text("abc", min_size=1, max_size=3)
a_message = st.builds(
    lambda role, parts: message(*({"type": "input_text", "text": text} for text in parts), role=role),
    st.sampled_from(["user", "assistant", "system", "developer"]),
    st.lists(texts, min_size=1, max_size=3),
)
a_call = st.builds(
    lambda call, name, text: CALL | {"call_id": call, "name": name, "arguments": text}, names, names, texts
)
a_result = st.builds(lambda i, text: RESULT | {"call_id": i, "output": text}, names, texts)
a_reasoning = st.just({"type": "reasoning", "content": [{"text": "hm"}]})


def inverse(found: Iterable[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The items of messages: each kind with its texts."""
    items: list[tuple[str, ...]] = []
    for each in found:
        if each["role"] == "tool":
            items.append(("result", each["tool_call_id"], each["content"]))
        elif each["content"] is not None:
            items.append((each["role"], each["content"]))
        functions = [(call["id"], call["function"]) for call in each.get("tool_calls", ())]
        items += [("call", name, f["name"], f["arguments"]) for name, f in functions]
    return items


def plain(item: dict[str, Any]) -> tuple[str, ...]:
    if item["type"] == "message":
        return item["role"], "".join(part["text"] for part in item["content"])
    if item["type"] == "function_call":
        return "call", item["call_id"], item["name"], item["arguments"]
    return "result", item["call_id"], item["output"]


@given(st.lists(a_message | a_call | a_result | a_reasoning, max_size=12))
def test_messages_hold_every_text_call_and_result_in_their_order(items: list[dict[str, Any]]) -> None:
    sent = [item for item in items if item["type"] != "reasoning"]
    found = of(*items)
    assert inverse(found) == list(map(plain, sent))
    assert all(each.get("tool_calls", True) for each in found)
    assert all(each["content"] is not None or "tool_calls" in each for each in found)
