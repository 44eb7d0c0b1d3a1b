"""`/v1/responses`: a program asks, reads along, returns, cancels and deletes."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from unittest.mock import AsyncMock

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.accounts.api_keys import revoke_key
from chat.api import asking, endpoint, live, reader
from chat.file_models import FileUse
from chat.ids import new_id, wire_id
from chat.key_models import ApiKey
from chat.models import Conversation, Response, Status
from chat.protocol.composer import Ending
from chat.protocol.errors import CommandError
from chat.responses.creation import submit
from chat.responses.ending import ABANDONED_SECS, cancel, end
from chat.streaming.draining import Draining
from chat.streaming.subscriber import Subscriber
from chat.transport import event_log, redis_client
from chat.transport.event_log import Append, Batch, Log, LogError
from tests.chat.api.answering import COMPLETED, MODEL, begun, body, claimed, completed, in_background
from tests.chat.api.client import REPLY_SECS, Program
from tests.chat.communicator import eventually
from tests.chat.contents import PNG
from tests.chat.rows import counted, on_rows, saved, stored
from tests.harness.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = (404, "response_not_found", "response_id")
RESPONSE = "01234567-89ab-7def-8123-456789abcdef"


def texts(events: list[Any]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


def numbers(events: list[Any]) -> list[int]:
    return [event["sequence_number"] for event in events]


async def test_a_program_waits_for_the_end_of_its_answer(program: Program, log: Log) -> None:
    reply = await completed(program, log, metadata={"topic": "depth"})
    response = reply.json()
    assert (reply.status, response["status"], response["object"]) == (200, "completed", "response")
    assert response["output"][0]["content"][0]["text"] == "Two metres."
    assert (response["store"], response["background"], response["conversation"]) == (True, False, None)
    assert (response["model"], response["metadata"]) == (MODEL, {"topic": "depth"})
    assert "openai-poll-after-ms" not in reply.headers


async def test_a_stream_has_each_event_once_and_its_end(program: Program, log: Log) -> None:
    request, answer = await begun(program, log, stream=True)
    for text in ("Two ", "metres", "."):
        await answer.add(text)
    await end(log, answer.id, COMPLETED)
    reply = await request.reply()
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache, no-transform"
    events = reply.events()
    assert texts(events) == "Two metres."
    assert numbers(events) == list(range(len(events)))
    assert (events[0]["type"], events[-1]["type"]) == ("response.created", "response.completed")


@pytest.mark.parametrize("error", [LogError("no Redis"), CommandError("too_many_followed")])
async def test_a_stream_that_cannot_be_followed_is_refused(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Subscriber, "subscribe", AsyncMock(side_effect=error))
    reply = await program.ask("POST", "responses", body(stream=True, store=False))
    status, code = (503, "busy") if isinstance(error, LogError) else (429, "rate_limit_exceeded")
    assert reply.error == (status, code, None)
    assert (await on_rows(Response.objects.get)).status == Status.CANCELLED


async def test_a_stream_begins_before_its_next_event(program: Program, log: Log) -> None:
    answer = await in_background(program, log)
    last = await log.top(answer.id)
    request = program.request("GET", f"responses/{answer.id}?stream=true&starting_after={last}")
    await request.send()
    assert (await request.head()).status == 200
    await request.leave()


async def test_a_request_in_background_returns_at_once_and_is_read_as_it_grows(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRESH_SECS", 0)
    reply = await program.ask("POST", "responses", body(background=True))
    name = reply.json()["id"]
    assert (reply.status, reply.json()["status"], reply.json()["background"]) == (200, "queued", True)
    assert reply.headers["openai-poll-after-ms"] == "1000"
    answer = await claimed(log)
    await answer.add("Two ")
    found = await program.ask("GET", f"responses/{name}")
    assert found.json()["output"][0]["content"][0]["text"] == "Two "
    assert (found.json()["status"], found.headers["openai-poll-after-ms"]) == ("in_progress", "1000")
    await answer.add("metres.")
    await end(log, name, COMPLETED)
    found = await program.ask("GET", f"responses/{name}")
    assert found.json()["output"][0]["content"][0]["text"] == "Two metres."
    assert "openai-poll-after-ms" not in found.headers


async def test_many_readers_of_a_second_share_one_reading_of_the_log(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await in_background(program, log)
    read, count = Log.read, 0

    async def counting(self: Log, *args: Any) -> Any:
        nonlocal count
        count += 1
        return await read(self, *args)

    monkeypatch.setattr(live, "FRESH_SECS", 300)
    monkeypatch.setattr(Log, "read", counting)
    for _ in range(5):
        assert (await program.ask("GET", f"responses/{answer.id}")).status == 200
    assert count == 1


async def test_who_has_read_the_end_retrieves_it_before_the_row_has_it(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRESH_SECS", 300)
    answer = await in_background(program, log)
    assert (await program.ask("GET", f"responses/{answer.id}")).json()["status"] == "in_progress"
    await answer.add("Two metres.")
    await answer.close()
    found = await program.ask("GET", f"responses/{answer.id}")
    assert (found.json()["status"], "openai-poll-after-ms" in found.headers) == ("completed", False)
    assert found.json()["output"][0]["content"][0]["text"] == "Two metres."


@pytest.mark.parametrize("has_log", [True, False])
async def test_a_reader_who_comes_back_gets_what_followed(program: Program, log: Log, has_log: bool) -> None:
    answer = await in_background(program, log)
    for text in ("Two ", "metres", "."):
        await answer.add(text)
    await end(log, answer.id, COMPLETED)
    if not has_log:
        await log.delete(answer.id)
    whole = (await program.ask("GET", f"responses/{answer.id}?stream=true")).events()
    assert (texts(whole), whole[0]["type"]) == ("Two metres.", "response.created")
    last = whole[-1]["sequence_number"]
    for after in (0, 2, last - 1, last, last + 5):
        query = f"stream=true&starting_after={after}&include[]=reasoning.encrypted_content"
        rest = (await program.ask("GET", f"responses/{answer.id}?{query}")).events()
        if has_log:
            assert rest == whole[after + 1 :]
        assert all(number > after for number in numbers(rest))
        assert not rest or rest[-1] == whole[-1]


async def test_a_reader_after_a_lost_attempt_begins_with_the_last_one(program: Program, log: Log) -> None:
    answer = await in_background(program, log)
    await answer.add("Three")
    await on_rows(Response.objects.filter(pk=answer.id).requeue, answer.id, 1, handed_over=False)
    answer = await claimed(log, attempt=2)
    await answer.add("Two metres.")
    await end(log, answer.id, COMPLETED)
    events = (await program.ask("GET", f"responses/{answer.id}?stream=true")).events()
    assert texts(events) == "Two metres."


@pytest.mark.parametrize("streams", [True, False])
async def test_a_stored_answer_outlives_its_reader(program: Program, log: Log, streams: bool) -> None:
    request, answer = await begun(program, log, stream=streams)
    await request.leave()
    assert (await saved(answer.id)).status == Status.IN_PROGRESS
    await answer.add("Two metres.")
    await end(log, answer.id, COMPLETED)
    assert (await saved(answer.id)).output == "Two metres."


@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_that_is_not_stored_ends_with_its_reader(
    program: Program, log: Log, streams: bool
) -> None:
    request, answer = await begun(program, log, stream=streams, store=False)
    await request.leave()
    assert (await saved(answer.id)).status == Status.CANCELLED


@pytest.mark.parametrize("fields", [{"background": True}, {"headers": {"idempotency_key": "a"}}])
async def test_an_answer_to_which_somebody_can_return_is_not_cancelled(
    program: Program, log: Log, fields: Any
) -> None:
    headers = fields.pop("headers", {})
    request = program.request("POST", "responses", body(stream=True, store=False, **fields), **headers)
    await request.send()
    answer = await claimed(log)
    await request.leave()
    assert (await saved(answer.id)).status == Status.IN_PROGRESS


async def test_a_client_that_leaves_while_its_response_is_stored_leaves_a_whole_one_or_none(
    program: Program, log: Log
) -> None:
    for store, status in ((True, Status.QUEUED), (False, Status.CANCELLED)):
        request = program.request("POST", "responses", body(store=store))
        await request.send()
        await request.leave()
        row = await eventually(Response.objects.filter(status=status).first)
        assert row is not None
        await await_until(partial(log.state, row.wire_id), 5, "its log is there")


async def test_what_follows_a_client_that_has_left_ends_also_if_it_takes_long(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted, opened = asyncio.Event(), asyncio.Event()

    async def late(*args: Any) -> Any:
        submitted.set()
        await opened.wait()
        return await submit(*args)

    monkeypatch.setattr(asking, "submit", late)
    monkeypatch.setattr(endpoint, "LEAVE_SECS", 0)
    request = program.request("POST", "responses", body(store=False))
    await request.send()
    await submitted.wait()
    await request.leave()
    opened.set()
    assert await eventually(Response.objects.filter(status=Status.CANCELLED).first) is not None


async def test_the_stop_of_the_process_cancels_no_answer(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    draining = Draining()
    monkeypatch.setattr("chat.streaming.http_connection.draining", draining)
    streamed, first = await begun(program, log, stream=True, store=False)
    await first.add("Two ")
    waiting, second = await begun(program, log, store=False)
    stored, third = await begun(program, log)
    assert (await streamed.head()).status == 200
    await draining.run(0)
    for request, retried in ((waiting, "true"), (stored, "false")):
        reply = await request.reply()
        assert reply.error == (503, "stopping", None)
        assert reply.headers["x-should-retry"] == retried
    await streamed.wait(REPLY_SECS)
    assert {(await saved(each.id)).status for each in (first, second, third)} == {Status.IN_PROGRESS}


async def test_the_end_of_a_key_ends_its_streams(program: Program, log: Log) -> None:
    streamed, first = await begun(program, log, stream=True, store=False)
    waiting, second = await begun(program, log)
    assert (await streamed.head()).status == 200
    await on_rows(revoke_key, await on_rows(ApiKey.objects.get))
    assert (await waiting.reply()).error == (401, "invalid_api_key", None)
    await streamed.wait(REPLY_SECS)
    assert (await saved(first.id)).status == Status.CANCELLED
    assert (await saved(second.id)).status == Status.IN_PROGRESS


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "upstream_cut"])
async def test_a_failure_is_a_status_to_a_program_that_waits(program: Program, log: Log, code: str) -> None:
    request, answer = await begun(program, log)
    await end(log, answer.id, Ending("failed", at=5.0, error_code=code))
    reply = await request.reply()
    assert reply.error == (reply.status, code, None)
    assert reply.status in (400, 404, 429, 500, 502, 503, 504)
    assert reply.headers.get("x-should-retry", "true") in ("true", "false")


async def test_a_failure_is_an_object_to_others(program: Program, log: Log) -> None:
    request, answer = await begun(program, log, stream=True)
    await end(log, answer.id, Ending("failed", at=5.0, error_code="upstream_cut"))
    failed = (await request.reply()).events()[-1]
    assert (failed["type"], failed["response"]["error"]["code"]) == ("response.failed", "upstream_cut")
    reply = await program.ask("GET", f"responses/{answer.id}")
    assert (reply.status, reply.json()["error"]["code"]) == (200, "upstream_cut")


async def test_a_program_cancels_any_response_of_its_owner_and_twice_is_once(
    program: Program, log: Log
) -> None:
    request, answer = await begun(program, log)
    await answer.add("Two ")
    for _ in range(2):
        reply = await program.ask("POST", f"responses/{answer.id}/cancel")
        assert (reply.status, reply.json()["status"]) == (200, "cancelled")
        assert reply.json()["output"][0]["content"][0]["text"] == "Two "
    assert (await request.reply()).json()["status"] == "cancelled"


async def test_deletion_empties_a_response_and_later_ones_stay(program: Program, log: Log) -> None:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{b64encode(PNG).decode()}"}
    question = {"role": "user", "content": [{"type": "input_text", "text": "whale"}, image]}
    first = (await completed(program, log, input=[question], instructions="Be brief.")).json()["id"]
    second = (await completed(program, log, previous_response_id=first)).json()["id"]
    reply = await program.ask("DELETE", f"responses/{first}")
    assert reply.json() == {"id": first, "object": "response", "deleted": True}
    row = await saved(first)
    assert (row.input, row.items, row.output, row.asked, row.instructions) == ([], [], "", "", "")
    assert not await on_rows(FileUse.objects.exists)
    assert await log.top(first) is None
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")):
        assert (await program.ask(method, f"responses/{first}{path}")).error == NOTHING
    assert (await program.ask("GET", f"responses/{second}")).status == 200
    reply = await program.ask("POST", "responses", body(previous_response_id=first))
    assert reply.error == (400, "previous_response_not_found", "previous_response_id")


async def test_deletion_cancels_a_running_response(program: Program, log: Log) -> None:
    request, answer = await begun(program, log, stream=True)
    await answer.add("Two ")
    assert (await program.ask("DELETE", f"responses/{answer.id}")).status == 200
    assert (await request.reply()).events()[-1]["response"]["status"] == "cancelled"
    assert (await saved(answer.id)).output == ""


async def test_a_worker_that_has_not_heard_of_the_deletion_writes_no_more(program: Program, log: Log) -> None:
    answer = await in_background(program, log)
    await answer.add("Two ")
    assert (await program.ask("DELETE", f"responses/{answer.id}")).status == 200
    batch = Batch.of(answer.id, answer.writer.add("metres."))
    assert await log.append(batch) is Append.CONFLICT
    assert 0 < await redis_client.client().ttl(event_log.key(answer.id)) <= ABANDONED_SECS
    for query in ("", "?stream=true"):
        assert (await program.ask("GET", f"responses/{answer.id}{query}")).error == NOTHING


async def test_items_without_ids_are_listed(program: Program, owner: User, log: Log) -> None:
    row = await on_rows(stored, owner, status=Status.COMPLETED)
    assert "id" not in row.input[0]
    page = (await program.ask("GET", f"responses/{row.wire_id}/input_items")).json()
    assert (page["data"], page["first_id"]) == (row.input, None)
    reply = await program.ask("GET", f"responses/{row.wire_id}/input_items?after=x")
    assert reply.error == (400, "invalid_value", "after")


async def test_the_items_of_an_input_come_in_pages(program: Program, log: Log) -> None:
    items = [{"role": "user", "content": str(number)} for number in range(5)]
    name = (await completed(program, log, input=items)).json()["id"]
    path = f"responses/{name}/input_items"
    page = (await program.ask("GET", f"{path}?limit=2")).json()
    assert [item["content"][0]["text"] for item in page["data"]] == ["4", "3"]
    assert page["has_more"]
    page = (await program.ask("GET", f"{path}?after={page['last_id']}&order=desc")).json()
    assert [item["content"][0]["text"] for item in page["data"]] == ["2", "1", "0"]
    assert (page["has_more"], page["first_id"]) == (False, page["data"][0]["id"])
    page = (await program.ask("GET", f"{path}?order=asc&limit=1")).json()
    assert [item["content"][0]["text"] for item in page["data"]] == ["0"]
    for query in ("limit=0", "limit=x", "order=up", "after=x"):
        param = query.partition("=")[0]
        assert (await program.ask("GET", f"{path}?{query}")).error == (400, "invalid_value", param)


async def test_another_owners_response_does_not_exist(program: Program, log: Log, stranger: User) -> None:
    theirs = await on_rows(stored, stranger)
    for name in (theirs.wire_id, wire_id("resp", new_id()), "resp_", "a%00", "conv_" + RESPONSE):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")):
            assert (await program.ask(method, f"responses/{name}{path}")).error == NOTHING
    assert (await saved(theirs.pk)).status == Status.QUEUED


async def test_the_same_idempotency_key_gets_the_same_response_from_its_first_event(
    program: Program, log: Log
) -> None:
    key = {"idempotency_key": "order-7"}
    request = program.request("POST", "responses", body(), **key)
    await request.send()
    answer = await claimed(log)
    await answer.add("Two ")
    again = program.request("POST", "responses", body(stream=True, store=None), **key)
    await again.send()
    assert (await again.head()).status == 200
    await answer.add("metres.")
    await end(log, answer.id, COMPLETED)
    assert (await request.reply()).json()["id"] == answer.id
    late = await program.ask("POST", "responses", body(stream=True), **key)
    assert (texts(late.events()), late.events()[0]["type"]) == ("Two metres.", "response.created")
    assert await on_rows(Response.objects.count) == 1
    other = await program.ask("POST", "responses", body(input="Other"), **key)
    assert other.error == (422, "idempotency_key_reused", None)
    assert await counted() == (1, 1)


async def test_an_owner_has_as_many_requests_in_a_minute_as_configured(
    program: Program, log: Log, settings: Settings
) -> None:
    settings.TAILRACE_API_REQUESTS_PER_MINUTE = 2
    for left in ("1", "0"):
        reply = await program.ask("POST", "responses", body(background=True))
        assert reply.headers["x-ratelimit-remaining-requests"] == left
        assert reply.headers["x-ratelimit-limit-requests"] == "2"
        assert reply.headers["x-ratelimit-reset-requests"].endswith("s")
    reply = await program.ask("POST", "responses", body(background=True))
    assert reply.error == (429, "rate_limit_exceeded", None)
    assert 0 < int(reply.headers["retry-after"]) <= 60
    assert (await program.ask("GET", "models")).status == 200


async def test_an_owners_requests_follow_a_bounded_number_of_responses(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_FOLLOWED", 1)
    request, answer = await begun(program, log, stream=True)
    assert (await request.head()).status == 200
    while not (await request.part())[0]:
        pass  # until the first event: the response is followed
    full = (429, "rate_limit_exceeded", None)
    for fields in ({}, {"stream": True}, {"stream": True, "background": True}):
        assert (await program.ask("POST", "responses", body(**fields))).error == full
    assert (await program.ask("GET", f"responses/{answer.id}?stream=true")).error == full
    assert await on_rows(Response.objects.count) == 1
    assert (await program.ask("POST", "responses", body(background=True))).status == 200
    await request.leave()


async def test_a_programs_answers_stay_off_the_list_unless_it_continues_a_listed_one(
    program: Program, log: Log, owner: User
) -> None:
    listed = await on_rows(stored, owner, status=Status.COMPLETED, output="Two.")
    cases: list[tuple[dict[str, Any], bool]] = [({}, False), ({"previous_response_id": listed.wire_id}, True)]
    for fields, shown in cases:
        response = (await completed(program, log, **fields)).json()
        row = await saved(response["id"])
        assert (row.listed, row.conversation_id == listed.conversation_id) == (shown, shown)
        assert (response["conversation"] is not None) == shown
    unstored: dict[str, Any] = {"previous_response_id": listed.wire_id, "store": False}
    row = await saved((await completed(program, log, **unstored)).json()["id"])
    assert (row.listed, row.previous_id) == (False, listed.pk)
    assert await on_rows(Conversation.objects.visible_to(owner.pk).count) == 1
    assert await on_rows(Conversation.objects.count) == 3


async def test_only_an_ended_stored_response_is_continued(program: Program, log: Log, owner: User) -> None:
    _, answer = await begun(program, log)
    reply = await program.ask("POST", "responses", body(previous_response_id=answer.id))
    assert reply.error == (409, "previous_response_running", "previous_response_id")
    await cancel(log, owner.pk, (await saved(answer.id)).pk)
    unstored = (await completed(program, log, store=False)).json()["id"]
    for name in (unstored, wire_id("resp", new_id())):
        reply = await program.ask("POST", "responses", body(previous_response_id=name))
        assert reply.error == (400, "previous_response_not_found", "previous_response_id")


@pytest.fixture
async def nothing_stored() -> AsyncIterator[None]:
    """After the test, no row."""
    yield
    assert await counted() == (0, 0)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"model": None}, "missing_required_parameter", "model"),
    ({"model": "nothing"}, "model_not_found", "model"),
    ({"input": None}, "missing_required_parameter", "input"),
    ({"input": ""}, "empty_input", "input"),
    ({"input": [{"type": "computer_call"}]}, "unsupported_parameter", "input[0].type"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
        "missing_required_parameter",
        "input[0].content[0].image_url",
    ),
    ({"tools": [{"type": "web_search"}]}, "unsupported_parameter", "tools[0].type"),
    ({"surprise": 1}, "unknown_parameter", "surprise"),
    ({"type": "response.create"}, "unknown_parameter", "type"),
    ({"stream_id": "a"}, "unknown_parameter", "stream_id"),
    ({"tailrace": {"client_request_id": "a"}}, "unknown_parameter", "tailrace"),
    ({"text": {"surprise": 1}}, "unknown_parameter", "text.surprise"),
    ({"prompt": {"id": "a"}}, "unsupported_parameter", "prompt"),
    ({"top_logprobs": 2}, "unsupported_parameter", "top_logprobs"),
    ({"include": ["message.output_text.logprobs"]}, "unsupported_parameter", "include[0]"),
    ({"stream": "yes"}, "invalid_value", "stream"),
    ({"store": 0}, "invalid_value", "store"),
    ({"temperature": 3}, "invalid_value", "temperature"),
    ({"previous_response_id": "resp_x"}, "invalid_value", "previous_response_id"),
]


@pytest.mark.usefixtures("nothing_stored")
async def test_a_wrong_request_is_refused_by_the_name_of_its_field(program: Program) -> None:
    for fields, code, param in WRONG:
        reply = await program.ask("POST", "responses", body(**fields))
        status = 404 if code == "model_not_found" else 400
        assert reply.error == (status, code, param)


@pytest.mark.usefixtures("nothing_stored")
async def test_a_body_that_is_no_json_object_is_refused(program: Program) -> None:
    for content in (b"[]", b"{", b"\xff", b'"a"', b"null"):
        assert (await program.ask("POST", "responses", content)).error == (400, "invalid_json", None)


@pytest.mark.usefixtures("nothing_stored")
async def test_an_unusable_idempotency_key_is_refused(program: Program) -> None:
    for key in ("", "a" * 91, "\x00"):
        reply = await program.ask("POST", "responses", body(), idempotency_key=key)
        assert reply.error == (400, "invalid_value", "idempotency-key")


async def test_a_wrong_query_is_refused_by_its_name(program: Program, owner: User) -> None:
    row = await on_rows(stored, owner)
    for query, code, param in (
        ("stream=yes", "invalid_value", "stream"),
        ("stream=true&starting_after=-1", "invalid_value", "starting_after"),
        ("stream=true&starting_after=1e3", "invalid_value", "starting_after"),
        ("surprise=1", "unknown_parameter", "surprise"),
    ):
        assert (await program.ask("GET", f"responses/{row.wire_id}?{query}")).error == (400, code, param)
