"""The events of the Responses API, in every form and from hostile servers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.events import JSON
from chat.protocol.pieces import CallPart, ItemPart, Part, Piece, joined
from workers.providers.base import Chunk, ProviderError
from workers.providers.responses import items
from workers.providers.responses.events import EventReader

CREATED = {"type": "response.created", "response": {"id": "resp_1", "background": True}}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "now", "arguments": ""}
SUMMARY = [{"type": "summary_text", "text": "first"}, {"type": "summary_text", "text": "second"}]
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "depth"}}
OUTPUT = [
    {"type": "reasoning", "summary": SUMMARY},
    SEARCH,
    {
        "type": "message",
        "content": [{"type": "output_text", "text": "said"}, {"type": "refusal", "refusal": "no"}],
    },
    {**CALL, "arguments": "{}"},
]
PARTS = [
    Piece("reasoning", "first\n\nsecond"),
    ItemPart(0, SEARCH, done=True),
    Piece("text", "said"),
    Piece("refusal", "no"),
    CallPart(0, "now", "c1", "{}"),
]


def delta(kind: str, text: Any, **fields: Any) -> JSON:
    return {"type": f"response.{kind}.delta", "output_index": 0, "delta": text, **fields}


def end(status: str = "completed", **fields: Any) -> JSON:
    return {"type": f"response.{status}", "response": {"object": "response", "status": status, **fields}}


def added(item: JSON, index: int = 0) -> JSON:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(item: JSON, index: int = 0) -> JSON:
    return added(item, index) | {"type": "response.output_item.done"}


def read(*values: Any) -> tuple[list[Part], Chunk, EventReader]:
    reader, chunk = EventReader(), Chunk()
    for value in values:
        reader.read(value, chunk)
    return list(joined(chunk.parts)), chunk, reader


def error_of(*values: Any) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        read(*values)
    return raised.value


@pytest.mark.parametrize("whole", [False, True], ids=["the last event", "a document"])
def test_a_response_without_deltas_is_read_from_its_object(whole: bool) -> None:
    last = end(output=OUTPUT, usage={"input_tokens": 1, "output_tokens": 2})
    parts, chunk, reader = read(last["response"] if whole else last)
    assert parts == PARTS
    assert (chunk.finish, reader.over) == ("stop", True)
    assert chunk.usage is not None
    assert chunk.usage["total_tokens"] == 3


def test_a_response_with_deltas_is_not_read_twice() -> None:
    parts, _, _ = read(
        delta("reasoning_summary_text", "first", summary_index=0),
        delta("reasoning_summary_text", "second", summary_index=1),
        done(SEARCH, 1),
        delta("output_text", "said", output_index=2),
        delta("refusal", "no", output_index=2),
        added(CALL, 3),
        delta("function_call_arguments", "{}", output_index=3),
        end(output=OUTPUT),
    )
    assert parts == PARTS


def message(text: str) -> JSON:
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}


WHOLE = {**CALL, "arguments": '{"a":1}'}
ARGUMENTS_DONE = {
    "type": "response.function_call_arguments.done",
    "output_index": 0,
    "item_id": "fc_1",
    "arguments": '{"a":1}',
}


@pytest.mark.parametrize("begun", [(), (delta("function_call_arguments", '{"a'),)], ids=["none", "some"])
@pytest.mark.parametrize(
    "last",
    [
        (ARGUMENTS_DONE,),
        (done(WHOLE),),
        (end(output=[WHOLE]),),
        (ARGUMENTS_DONE, done(WHOLE), end(output=[WHOLE])),
    ],
    ids=["arguments.done", "item.done", "completed", "all"],
)
def test_arguments_are_completed_once_by_the_events_that_end_them(
    begun: tuple[JSON, ...], last: tuple[JSON, ...]
) -> None:
    parts, _, _ = read(added(CALL), *begun, *last)
    assert parts == [CallPart(0, "now", "c1", '{"a":1}')]


@pytest.mark.parametrize("last", [(done(WHOLE),), (end(output=[WHOLE]),), (done(WHOLE), end(output=[WHOLE]))])
def test_a_call_that_never_began_begins_once_with_its_end(last: tuple[JSON, ...]) -> None:
    assert read(*last)[0] == [CallPart(0, "now", "c1", '{"a":1}')]


@pytest.mark.parametrize(
    "output",
    [
        [{"type": "reasoning", "summary": []}, WHOLE],
        [{**WHOLE, "call_id": "of this event", "id": "another"}],
        [{**WHOLE, "arguments": '{ "a": 1 }'}],
        [{**CALL, "call_id": "c0", "arguments": "{}"}, WHOLE],
    ],
    ids=["another place", "other ids", "other blanks", "a call before it"],
)
def test_a_call_is_read_once_however_the_object_repeats_it(output: list[JSON]) -> None:
    parts, _, _ = read(added(CALL), delta("function_call_arguments", '{"a":1}'), end(output=output))
    assert parts[0] == CallPart(0, "now", "c1", '{"a":1}')
    assert len(parts) == sum(item["type"] == "function_call" for item in output)


def test_arguments_of_another_item_complete_no_call() -> None:
    other = {**CALL, "id": "fc_2", "call_id": "c2"}
    parts, _, _ = read(added(CALL), added(other), ARGUMENTS_DONE, done(WHOLE))
    assert parts == [CallPart(0, "now", "c1"), CallPart(1, "now", "c2"), CallPart(0, arguments='{"a":1}')]


@pytest.mark.parametrize("at", [0, 1, None])
def test_text_without_deltas_is_read_from_its_item_once(at: int | None) -> None:
    thought = {"type": "reasoning", "summary": SUMMARY}
    items = [thought, message("one "), message("two "), message("three")]
    streamed = delta("output_text", "tw", output_index=at)
    ends = [done(item, index) for index, item in enumerate(items)]
    parts, _, _ = read(*ends[:2], streamed, *ends[2:], end(output=items))
    assert parts == [Piece("reasoning", "first\n\nsecond"), Piece("text", "one two three")]
    parts, _, _ = read(*ends[:2], streamed, end(output=items))
    assert parts == [Piece("reasoning", "first\n\nsecond"), Piece("text", "one two three")]


def test_text_that_contradicts_the_deltas_adds_nothing() -> None:
    parts, _, _ = read(
        delta("output_text", "said"), done(message("Said so")), end(output=[message("Said so")])
    )
    assert parts == [Piece("text", "said")]


def test_interleaved_calls_are_told_apart() -> None:
    parts, _, _ = read(
        added(CALL, 1),
        added({**CALL, "call_id": "c2"}, 4),
        delta("function_call_arguments", "{1", output_index=4),
        delta("function_call_arguments", "{2", output_index=1),
        delta("function_call_arguments", "}", output_index=4),
        delta("function_call_arguments", "lost", output_index=9),
    )
    assert parts == [
        CallPart(0, "now", "c1"),
        CallPart(1, "now", "c2", "{1"),
        CallPart(0, arguments="{2"),
        CallPart(1, arguments="}"),
    ]


def test_an_item_of_a_tool_begins_and_is_done_once_unchanged() -> None:
    begun = SEARCH | {"status": "in_progress"}
    parts, _, _ = read(
        added(begun, 1),
        {"type": "response.web_search_call.searching", "output_index": 1, "item_id": "ws_1"},
        added(begun, 1),
        done(SEARCH, 1),
        delta("output_text", "said", output_index=2),
        done(SEARCH, 1),
        end(output=OUTPUT[:3]),
    )
    assert parts[:2] == [ItemPart(0, begun, done=False), ItemPart(0, SEARCH, done=True)]
    assert [part for part in parts[2:] if isinstance(part, ItemPart)] == []


def test_an_item_that_a_client_may_run_is_done_with_the_answer_alone() -> None:
    custom = {"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": "SELECT 1"}
    parts, _, _ = read(done(custom, 0))
    assert parts == [ItemPart(0, custom, done=False)]
    parts, _, _ = read(added(custom, 0), done(custom, 0), end(output=[custom]))
    assert parts == [ItemPart(0, custom, done=False), ItemPart(0, custom, done=True)]


def test_an_item_that_a_client_runs_is_not_given_twice_if_the_last_output_has_it_elsewhere() -> None:
    custom = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "sql", "input": "SELECT 1"}
    other = custom | {"id": "ctc_2", "call_id": "c2"}
    parts, _, _ = read(added(custom, 1), end(output=[other, custom]))
    ends = [(part.body["id"], part.index, part.done) for part in parts if isinstance(part, ItemPart)]
    assert ends == [("ctc_1", 0, False), ("ctc_2", 1, True), ("ctc_1", 0, True)]
    parts, _, _ = read(added(custom, 0), end(output=[other, custom]))
    ends = [(part.body["id"], part.index, part.done) for part in parts if isinstance(part, ItemPart)]
    assert ends == [("ctc_1", 0, False), ("ctc_2", 1, True), ("ctc_1", 0, True)]


def test_an_item_that_a_cut_answer_has_left_open_is_not_done() -> None:
    begun = SEARCH | {"status": "in_progress"}
    parts, _, _ = read(added(begun), end("incomplete", output=[begun]))
    assert parts == [ItemPart(0, begun, done=False)]


def test_items_of_tools_are_numbered_by_their_places() -> None:
    mcp = {"type": "mcp_call", "name": "x"}
    parts, _, _ = read(added(SEARCH, 0), added(mcp, 2), done(mcp, 2), done(SEARCH, 0))
    assert [(part.index, part.done) for part in parts if isinstance(part, ItemPart)] == [
        (0, False),
        (1, False),
        (1, True),
        (0, True),
    ]


def test_items_of_tools_have_a_bound_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MAX_BYTES", 240)
    large = SEARCH | {"results": "x" * 250}
    parts, _, _ = read(done(large, 0), done(SEARCH, 1), done(SEARCH, 2), done(large, 3), done(SEARCH, 4))
    assert [part.body for part in parts if isinstance(part, ItemPart)] == [
        SEARCH,
        SEARCH,
        {name: SEARCH[name] for name in ("type", "id", "status")},
    ]
    assert [part.index for part in parts if isinstance(part, ItemPart)] == [0, 1, 2]


def test_texts_of_items_are_storable() -> None:
    parts, _, _ = read(done(SEARCH | {"a\0": ["\ud800", {"b": "\0"}], "n": float("nan"), "m": 1.5}))
    lost = "\N{REPLACEMENT CHARACTER}"
    assert parts == [ItemPart(0, SEARCH | {f"a{lost}": [lost, {"b": lost}], "n": None, "m": 1.5}, done=True)]


@pytest.mark.parametrize(
    ("last", "finish"),
    [
        (end(), "stop"),
        (end("incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (end("incomplete", incomplete_details={"reason": "content_filter"}), "content_filter"),
        (end("incomplete"), "length"),
    ],
)
def test_every_end_has_one_meaning(last: JSON, finish: str) -> None:
    assert read(delta("output_text", "said"), last)[1].finish == finish


def error(code: Any = None, message: str = "no") -> JSON:
    return {"type": "error", "code": code, "message": message}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (error("server_error"), ProviderError("upstream_error")),
        (error(None), ProviderError("upstream_error")),
        (error("rate_limit_exceeded"), ProviderError("rate_limit_exceeded", permanent=True)),
        (error("invalid_prompt"), ProviderError("upstream_rejected", permanent=True)),
        (error("insufficient_quota"), ProviderError("upstream_no_credit", permanent=True)),
        (error("context_length_exceeded"), ProviderError("context_length_exceeded", permanent=True)),
        (end("failed", error={"code": "server_error", "message": ""}), ProviderError("upstream_error")),
        (
            end("failed", error={"code": "image_too_large", "message": ""}),
            ProviderError("upstream_rejected", permanent=True),
        ),
        (end("cancelled"), ProviderError("upstream_error")),
        ({"error": error("server_error")}, ProviderError("upstream_error")),
        ({"error": "overloaded"}, ProviderError("upstream_error")),
        (end("failed", error=None)["response"], ProviderError("upstream_error")),
    ],
)
def test_failures_have_our_codes(value: JSON, expected: ProviderError) -> None:
    assert error_of(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        5,
        "text",
        [CREATED],
        delta("output_text", 5),
        delta("output_text", ["a"]),
        {"type": "response.output_text.delta"},
        {"type": "response.created", "response": None},
        {"type": "response.completed"},
        {"type": "response.completed", "response": {"status": "completed", "output": 5}},
        {"type": "response.completed", "response": {"status": "completed", "output": [5]}},
        end(output=[{"type": "message", "content": [{"type": "output_text", "text": 7}]}]),
        added({**CALL, "name": ""}),
        added({**CALL, "name": None}),
        added({**CALL, "call_id": 5}),
        {"type": "response.output_item.added", "output_index": [], "item": CALL},
        {"type": ["a"]},
    ],
)
def test_broken_events_are_malformed(value: Any) -> None:
    assert error_of(CREATED, value).code == "upstream_malformed"


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"type": "response.output_text.annotation.added", "annotation": {}},
        {"type": "response.web_search_call.searching", "output_index": 0},
        {"type": "response.something.new", "error": "of an item"},
        {"type": "keepalive", "sequence_number": 3},
        added({"type": 5}),
        added({"type": ""}),
        added({"type": "k" * 65}),
        done({"type": "function_call_output", "call_id": "c1", "output": "noon"}),
        done({"type": "message", "content": []}),
        {"object": "response", "status": "in_progress", "output": OUTPUT},
    ],
)
def test_unknown_events_say_nothing(value: Any) -> None:
    parts, chunk, reader = read(value)
    assert (parts, chunk.finish, reader.over) == ([], None, False)


def test_the_id_of_a_run_is_known_in_background_alone() -> None:
    assert read(CREATED)[2].run == "resp_1"
    assert read({"type": "response.created", "response": {"id": "resp_1"}})[2].run == ""
    assert read({"type": "response.created", "response": {"id": 5, "background": True}})[2].run == ""


def test_repeated_events_are_dropped() -> None:
    reader, chunk = EventReader(), Chunk()
    events = [delta("output_text", text, sequence_number=number) for number, text in enumerate("abc")]
    for event in events[:2]:
        reader.read(event, chunk)
    reader.after = reader.number
    for event in events:
        reader.read(event, chunk)
    assert chunk.text == "abc"


@given(st.text(st.characters(), max_size=12), st.integers(0, 12))
def test_text_is_storable_and_whole_however_it_is_divided(text: str, cut: int) -> None:
    utf16 = text.encode("utf-16-be", "surrogatepass")
    units = [utf16[at : at + 2].decode("utf-16-be", "surrogatepass") for at in range(0, len(utf16), 2)]
    divided = read(
        delta("output_text", "".join(units[:cut])), delta("output_text", "".join(units[cut:])), end()
    )
    assert divided[1].text == read(delta("output_text", text), end())[1].text
    divided[1].text.encode()
    assert "\x00" not in divided[1].text
