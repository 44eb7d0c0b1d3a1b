"""Every plain event and every response object is valid for OpenAI's document and for Open Responses'."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from chat.models import Response, Status
from chat.protocol.commands import create
from chat.protocol.composer import opening
from chat.protocol.errors import FAILURES
from chat.protocol.events import encode
from chat.protocol.options import MAX_SAFETY_CHARS
from chat.protocol.pieces import ItemPart
from chat.protocol.plain import PlainStream
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from tests.chat.protocol.lives import ENDINGS, FOUND, SEARCH, USAGE, Life, lives, written
from tests.chat.protocol.test_options import REQUEST, SCHEMA, TOOL
from tests.sdk.cases import CASES, sources
from tests.sdk.schemas import Document, open_responses, openai

ROW = response_object(Response(id=UUID(int=7), conversation_id=UUID(int=9), model="m"))
Load = Callable[[], Document]
each_document = pytest.mark.parametrize("load", [openai, open_responses])


@each_document
@given(life=lives, count=st.integers(2, 40))
def test_each_event_of_a_log_and_of_a_replay_is_valid(load: Load, life: Life, count: int) -> None:
    _, events = written(life, ROW)
    live = ResponseState.fold(events[:count]).snapshot()
    for log in (events, [live, *events[count:]]):
        stream = PlainStream()
        for text in [text for event in log for text in stream.translate(encode(event))]:
            assert load().faults(json.loads(text)) == []


@each_document
def test_each_difference_is_needed(load: Load) -> None:
    document = load()
    streams = [source.plain() for case in CASES for source in sources(case)[:2]]
    rare = Response(
        conversation_id=UUID(int=9), request={"text": {"format": SCHEMA}, "reasoning": MAX_EFFORT}
    )
    texts = [text for stream in streams for texts in stream for text in texts]
    search = [ItemPart(0, SEARCH, done=False), ItemPart(0, FOUND, done=True)]
    others = [*opening(response_object(rare)), *written((search, ENDINGS[0]), ROW)[1]]
    events = [json.loads(text) for text in (*texts, *map(encode, others))]
    assert [fault for event in events for fault in document.faults(event)] == []
    for name in document.differences:
        assert any(document.faults(event, without=name) for event in events), name


def option(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """The field of a request, in any of these forms."""
    return st.sampled_from([{name: value} for value in (REQUEST[name], *OTHERS.get(name, ()))])


MAX_EFFORT = {"effort": "max"}
OTHERS: dict[str, list[Any]] = {
    "tool_choice": ["none", "auto", "required", {"type": "function", "name": "f"}],
    "text": [{"verbosity": "low"}, {"format": {"type": "json_object"}}, {"format": SCHEMA}],
    "reasoning": [{"effort": effort} for effort in ("none", "minimal", "low", "xhigh", "max")],
    "truncation": ["disabled"],
    "service_tier": ["auto", "default", "priority", "of another server"],
    "safety_identifier": ["s" * MAX_SAFETY_CHARS],
    "stop": ["a"],
}
requests = st.lists(st.sampled_from(sorted(REQUEST)).flatmap(option), max_size=6)


@each_document
@given(fields=requests, status=st.sampled_from(Status))
def test_the_object_of_each_row_is_valid(load: Load, fields: list[dict[str, Any]], status: Status) -> None:
    asked = {"tools": [TOOL, {"type": "function", "name": "g"}]}
    for field in fields:
        asked |= field
    row = Response(
        conversation_id=UUID(int=9),
        previous_id=UUID(int=5),
        model="m",
        metadata={"a": "b"},
        instructions="Be brief.",
        max_output_tokens=5,
        temperature=0.5,
        request=create({"type": "response.create", "input": "a"} | asked).requested(),
        status=status,
        error_code=next(iter(FAILURES)) if status == Status.FAILED else "",
        incomplete_reason="content_filter" if status == Status.INCOMPLETE else "",
        usage=USAGE if status == Status.COMPLETED else None,
        omitted_turns=2,
        ended_at=timezone.now(),
    )
    assert load().object_faults(response_object(row)) == []
