"""A question and its answer through every part: socket, queue, worker, upstream, log, database."""

import asyncio
import json

from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from tests.harness.socket_client import PROMPT, cookie, text_of, visiting
from tests.harness.stack import Stack
from tests.harness.upstream import text_of as upstream_text

RELOAD = "[words-40+hold-after-5@20] reload"
ASKED = "[echo] Who am I?"
LIFECYCLE = [
    "response.created",
    "response.queued",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


async def test_the_events_are_openais_without_a_gap_and_add_up_to_the_row(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        events = await visitor.answer()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert list(dict.fromkeys(event["type"] for event in events)) == LIFECYCLE
    parser: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
    for event in events:
        assert parser.validate_python(event).type == event["type"]
    final = events[-1]["response"]
    whole = upstream_text(PROMPT)
    assert text_of(events) == final["output"][0]["content"][0]["text"] == whole
    row = stack.settled(final["id"])
    assert (row["status"], row["output"], row["error_code"]) == ("completed", whole, "")
    assert row["attempt"] == 1
    assert row["queued_at"] < row["started_at"] < row["first_token_at"] < row["ended_at"]
    assert json.loads(row["usage"])["output_tokens"] == final["usage"]["output_tokens"] > 0


async def test_text_arrives_while_the_model_still_streams(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        await visitor.create(RELOAD)
        await visitor.until("response.output_text.delta")
        assert not stack.upstream.requests(RELOAD)[-1].finished
        stack.upstream.release(RELOAD)
        await visitor.until("response.completed")


async def test_a_conversation_goes_on_from_the_previous_response(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        first = (await visitor.answer("[echo] My name is Ada."))[-1]["response"]
        second = (await visitor.answer(ASKED, previous_response_id=first["id"]))[-1]["response"]
    assert second["conversation"] == first["conversation"]
    (request,) = stack.upstream.requests(ASKED)
    assert request.messages == [
        {"role": "user", "content": "[echo] My name is Ada."},
        {"role": "assistant", "content": "My name is Ada."},
        {"role": "user", "content": ASKED},
    ]


async def test_reasoning_is_an_item_of_its_own_before_the_message(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        events = await visitor.answer("[reasoning-10+words-10@100]")
    reasoning, message = events[-1]["response"]["output"]
    assert reasoning["type"] == "reasoning"
    assert reasoning["content"][0]["text"] == " ".join(f"r{n}" for n in range(10))
    assert message["content"][0]["text"] == upstream_text("words-10")


async def test_an_answer_cut_by_the_token_limit_is_incomplete(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        last = (await visitor.answer("[length-10]"))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["status"] == "incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_the_stream_id_is_on_every_event(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        events = await visitor.answer(stream_id="mine_1.a-b")
    assert {event["stream_id"] for event in events} == {"mine_1.a-b"}


async def test_the_same_client_request_is_answered_once(stack: Stack) -> None:
    options = {"client_request_id": "only-once"}
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as one, visiting(stack.url, session) as two:
        answers = await asyncio.gather(
            one.answer("[echo] once", tailrace=options), two.answer("[echo] once", tailrace=options)
        )
    assert answers[0][-1]["response"]["id"] == answers[1][-1]["response"]["id"]
    assert text_of(answers[0]) == text_of(answers[1]) == "once"
    assert len(stack.upstream.requests("[echo] once")) == 1


async def test_a_reader_that_reconnects_gets_the_rest_and_nothing_twice(stack: Stack) -> None:
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as visitor:
        await visitor.create(RELOAD)
        before = await visitor.until("response.output_text.delta")
    response_id = before[0]["response"]["id"]
    async with visiting(stack.url, session) as visitor:
        cursor = before[-1]["sequence_number"]
        await visitor.send(
            {"type": "tailrace:subscribe", "response_id": response_id, "starting_after": cursor}
        )
        stack.upstream.release(RELOAD)
        after = await visitor.until("response.completed")
    events = [event for event in before + after if event["type"] != "tailrace:up_to_date"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert text_of(events) == upstream_text(RELOAD)


async def test_a_reader_without_a_cursor_gets_a_snapshot_and_goes_on_from_it(stack: Stack) -> None:
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as asker, visiting(stack.url, session) as late:
        await asker.create(RELOAD)
        begun = await asker.until("response.output_text.delta")
        await late.send({"type": "tailrace:subscribe", "response_id": begun[0]["response"]["id"]})
        snapshot, up_to_date = await late.until("tailrace:up_to_date")
        stack.upstream.release(RELOAD)
        events = await late.until("response.completed")
    assert (snapshot["type"], up_to_date["type"]) == ("tailrace:snapshot", "tailrace:up_to_date")
    assert events[0]["sequence_number"] == snapshot["sequence_number"] + 1
    so_far = snapshot["response"]["output"][0]["content"][0]["text"]
    assert so_far + text_of(events) == upstream_text(RELOAD)


async def test_an_ended_answer_is_one_snapshot(stack: Stack) -> None:
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as visitor:
        response = (await visitor.answer())[-1]["response"]
        await visitor.send({"type": "tailrace:subscribe", "response_id": response["id"]})
        snapshot = await visitor.next()
    assert snapshot["type"] == "tailrace:snapshot"
    assert snapshot["response"] == response


async def test_an_answer_goes_on_when_its_socket_is_gone(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        await visitor.create()
        response_id = (await visitor.next())["response"]["id"]
    row = stack.settled(response_id)
    assert (row["status"], row["output"]) == ("completed", upstream_text(PROMPT))
