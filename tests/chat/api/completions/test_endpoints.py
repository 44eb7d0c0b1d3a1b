"""`/v1/chat/completions`: a program asks, reads along, leaves, reads again and deletes."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.api.completions import stream
from chat.api.completions.completion import PREFIX
from chat.ids import RESPONSE, bare, new_id
from chat.models import Response, Status
from chat.protocol.composer import Ending
from chat.protocol.errors import FAILURES
from chat.protocol.messages import messages
from chat.responses.ending import cancel, end
from chat.streaming.draining import Draining
from chat.streaming.http_connection import HttpConnection
from chat.transport.event_log import Log
from tests.chat.answers import Answer
from tests.chat.api.answering import COMPLETED, MODEL, claimed
from tests.chat.api.client import REPLY_SECS, Program, Reply, Request
from tests.chat.contents import PNG
from tests.chat.rows import counted, on_rows, saved, stored
from tests.sdk.schemas import openai

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "chat/completions"
QUESTION = [{"role": "user", "content": "How deep is it?"}]
FAILED = Ending("failed", at=5.0, error_code="rate_limit_exceeded")
NOTHING = (404, "response_not_found", "completion_id")


def body(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": QUESTION} | fields


async def begun(
    program: Program, log: Log, headers: dict[str, str] | None = None, **fields: Any
) -> tuple[Request, Answer]:
    """A request that waits for its completion, which a worker has claimed."""
    request = program.request("POST", PATH, body(**fields), **(headers or {}))
    await request.send()
    return request, await claimed(log)


async def completed(program: Program, log: Log, **fields: Any) -> Reply:
    request, answer = await begun(program, log, **fields)
    await answer.add("Two metres.")
    await end(log, answer.id, COMPLETED)
    return await request.reply()


async def restarted(log: Log, answer: Answer) -> Answer:
    """The next attempt at an answer whose worker is lost."""
    await on_rows(Response.objects.filter(pk=answer.id).requeue, answer.id, 1, handed_over=False)
    return await claimed(log, attempt=2)


def chunks(reply: Reply) -> list[Any]:
    """The chunks of a stream, which has ended as it should."""
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    blocks = reply.body.decode().split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    found = [json.loads(each.removeprefix("data: ")) for each in blocks[:-2] if not each.startswith(":")]
    for chunk in found:
        assert "error" in chunk or openai().faults_of("CreateChatCompletionStreamResponse", chunk) == []
    return found


def text(found: list[Any]) -> str:
    deltas = [choice["delta"] for each in found for choice in each.get("choices", ())]
    return "".join(delta.get("content", "") for delta in deltas)


def of_response(response_id: str) -> str:
    return f"{PATH}/{PREFIX}{bare(RESPONSE, response_id)}"


async def test_a_program_waits_for_its_completion(program: Program, log: Log) -> None:
    reply = await completed(program, log)
    found = reply.json()
    assert reply.status == 200
    assert openai().faults_of("CreateChatCompletionResponse", found) == []
    assert found["choices"][0]["message"]["content"] == "Two metres."
    assert (found["model"], found["choices"][0]["finish_reason"]) == (MODEL, "stop")


async def test_a_stream_has_the_text_its_end_and_the_tokens(program: Program, log: Log) -> None:
    request, answer = await begun(program, log, stream=True, stream_options={"include_usage": True})
    for part in ("Two ", "metres", "."):
        await answer.add(part)
    usage = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 12,
    }
    await end(log, answer.id, Ending("completed", at=5.0, usage=usage))
    found = chunks(await request.reply())
    assert text(found) == "Two metres."
    assert found[-2]["choices"][0]["finish_reason"] == "stop"
    assert found[-1]["usage"]["total_tokens"] == 12


async def test_the_last_chunk_is_sent_before_the_reader_ends(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = HttpConnection.send_text

    async def slow(self: HttpConnection, text: str) -> None:
        for _ in range(20):  # turns of the loop, in which others may end
            await asyncio.sleep(0)
        await send(self, text)

    monkeypatch.setattr(HttpConnection, "send_text", slow)
    request, answer = await begun(program, log, stream=True)
    await answer.add("Two metres.")
    await answer.close()
    assert chunks(await request.reply())[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.usefixtures("folder")
async def test_the_model_gets_the_messages_of_the_client(program: Program, log: Log) -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64encode(PNG).decode()}"}}
    sent = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How deep is it?", "name": "ann"},
        {"role": "assistant", "content": "Two metres."},
        {"role": "user", "content": [{"type": "text", "text": "And this?"}, image]},
    ]
    _, answer = await begun(program, log, messages=sent)
    row = await saved(answer.id)
    found = messages(row.input)
    assert found[:3] == sent[:3]
    assert found[3]["content"][1]["image_url"]["url"].startswith("file:")  # stored
    assert (row.stored, row.listed, row.background) == (False, False, False)


async def test_a_stream_waits_with_its_status_for_the_first_text(program: Program, log: Log) -> None:
    request, answer = await begun(program, log, stream=True)
    assert await request.receive_nothing()
    await answer.add("Two ")
    assert (await request.head()).status == 200
    await end(log, answer.id, COMPLETED)
    await request.wait(REPLY_SECS)


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("code", [FAILED.error_code, *list(FAILURES)[:3]])
async def test_a_failure_before_the_first_text_is_a_status(
    program: Program, log: Log, code: str, streams: bool
) -> None:
    request, answer = await begun(program, log, stream=streams)
    await end(log, answer.id, Ending("failed", at=5.0, error_code=code))
    reply = await request.reply()
    assert reply.error == (reply.status, code, None)
    assert reply.status >= 400
    assert reply.headers["content-type"] == "application/json"


async def test_a_failure_after_it_is_the_last_chunk(program: Program, log: Log) -> None:
    request, answer = await begun(program, log, stream=True)
    await answer.add("Two ")
    await end(log, answer.id, FAILED)
    found = chunks(await request.reply())
    assert (text(found), found[-1]["error"]["code"]) == ("Two ", FAILED.error_code)
    assert found[-2]["choices"][0]["finish_reason"] is None


async def test_a_stream_begins_after_a_silence(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "OPEN_SECS", 0)
    request, answer = await begun(program, log, stream=True)
    reply = await request.head()
    assert reply.status == 200
    await end(log, answer.id, FAILED)
    more = True
    while more:
        part, more = await request.part()
        reply.body += part
    assert [each["error"]["code"] for each in chunks(reply)] == [FAILED.error_code]
    await request.wait(REPLY_SECS)


@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_that_is_stopped_elsewhere_is_a_conflict(
    program: Program, log: Log, owner: User, streams: bool
) -> None:
    request, answer = await begun(program, log, stream=streams)
    await cancel(log, owner.pk, (await saved(answer.id)).pk)
    reply = await request.reply()
    assert reply.error == (409, "response_cancelled", None)
    assert reply.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({}, {}, Status.CANCELLED),
        ({"store": True}, {}, Status.IN_PROGRESS),
        ({}, {"idempotency_key": "a"}, Status.IN_PROGRESS),
    ],
)
async def test_only_an_answer_to_which_the_client_can_return_outlives_it(
    program: Program, log: Log, fields: dict[str, Any], headers: dict[str, str], status: str, streams: bool
) -> None:
    request, answer = await begun(program, log, headers, stream=streams, **fields)
    await answer.add("Two ")
    await request.leave()
    assert (await saved(answer.id)).status == status


async def test_a_retry_with_the_same_key_gets_the_same_chunks(program: Program, log: Log) -> None:
    key = {"idempotency_key": "order-7"}
    request, answer = await begun(program, log, key, stream=True)
    await answer.add("Two ")
    await request.leave()
    again = program.request("POST", PATH, body(stream=True), **key)
    await again.send()
    await answer.add("metres.")
    await end(log, answer.id, COMPLETED)
    found = chunks(await again.reply())
    assert (text(found), found[-1]["choices"][0]["finish_reason"]) == ("Two metres.", "stop")
    whole = await program.ask("POST", PATH, body(), **key)
    assert whole.json()["choices"][0]["message"]["content"] == "Two metres."
    assert whole.json()["id"] == found[0]["id"]
    await log.delete(answer.id)
    late = chunks(await program.ask("POST", PATH, body(stream=True), **key))
    assert (text(late), late[-1]["choices"][0]["finish_reason"]) == ("Two metres.", "stop")
    other = await program.ask("POST", PATH, body(temperature=0.5), **key)
    assert other.error == (422, "idempotency_key_reused", None)
    assert await counted() == (1, 1)


async def test_an_attempt_that_repeats_the_text_is_not_seen(program: Program, log: Log) -> None:
    request, answer = await begun(program, log, stream=True)
    await answer.add("Two ")
    assert (await request.head()).status == 200
    answer = await restarted(log, answer)
    await answer.add("Two metres.")
    await end(log, answer.id, COMPLETED)
    reply, more = Reply(200, {"content-type": "text/event-stream; charset=utf-8"}), True
    while more:
        part, more = await request.part()
        reply.body += part
    assert text(chunks(reply)) == "Two metres."
    await request.wait(REPLY_SECS)


@pytest.mark.parametrize(("store", "status"), [(False, Status.CANCELLED), (True, Status.IN_PROGRESS)])
async def test_an_attempt_that_differs_ends_the_stream_and_the_answer_unless_it_is_stored(
    program: Program, log: Log, store: bool, status: str
) -> None:
    request, answer = await begun(program, log, stream=True, store=store)
    await answer.add("Two ")
    answer = await restarted(log, answer)
    await answer.add("Three metres.")
    found = chunks(await request.reply())
    assert (text(found), found[-1]["error"]["code"]) == ("Two ", "worker_lost")
    assert (await saved(answer.id)).status == status


async def test_the_stop_of_the_process_ends_a_request_whose_text_has_not_begun(
    program: Program, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    draining = Draining()
    monkeypatch.setattr("chat.streaming.http_connection.draining", draining)
    request, answer = await begun(program, log, {"idempotency_key": "a"}, stream=True)
    await draining.run(0)
    reply = await request.reply()
    assert (reply.error, reply.headers["x-should-retry"]) == ((503, "stopping", None), "true")
    assert (await saved(answer.id)).status == Status.IN_PROGRESS


async def test_a_stored_completion_is_retrieved_and_deleted(program: Program, log: Log) -> None:
    found = (await completed(program, log, store=True)).json()
    path = f"{PATH}/{found['id']}"
    assert (await program.ask("GET", path)).json() == found
    deletion = {"id": found["id"], "object": "chat.completion.deleted", "deleted": True}
    assert (await program.ask("DELETE", path)).json() == deletion
    for method in ("GET", "DELETE"):
        assert (await program.ask(method, path)).error == NOTHING


async def test_a_running_completion_is_retrieved_at_its_end(program: Program, log: Log) -> None:
    request, answer = await begun(program, log, store=True, stream=True)
    await request.leave()
    again = program.request("GET", of_response(answer.id))
    await again.send()
    assert await again.receive_nothing()
    await answer.add("Two metres.")
    await end(log, answer.id, COMPLETED)
    assert (await again.reply()).json()["choices"][0]["message"]["content"] == "Two metres."


async def test_no_other_response_is_a_completion(program: Program, log: Log, stranger: User) -> None:
    unstored = (await completed(program, log)).json()["id"]
    theirs = await on_rows(stored, stranger)
    other = f"{PREFIX}{new_id().hex}"
    for name in (unstored, f"{PREFIX}{theirs.pk.hex}", theirs.wire_id, other, "chatcmpl-", "x"):
        for method in ("GET", "DELETE"):
            assert (await program.ask(method, f"{PATH}/{name}")).error == NOTHING
    assert (await saved(theirs.pk)).status == Status.QUEUED


async def test_other_methods_are_refused(program: Program) -> None:
    assert (await program.ask("GET", PATH)).error == (405, "method_not_allowed", None)
    assert (await program.ask("POST", f"{PATH}/x", {})).error == (405, "method_not_allowed", None)


@pytest.fixture
async def nothing_stored() -> AsyncIterator[None]:
    """After the test, no row."""
    yield
    assert await counted() == (0, 0)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": None}, 400, "missing_required_parameter", "model"),
        ({"model": "nothing"}, 404, "model_not_found", "model"),
        ({"messages": None}, 400, "missing_required_parameter", "messages"),
        ({"messages": []}, 400, "invalid_value", "messages"),
        ({"n": 2}, 400, "unsupported_parameter", "n"),
        ({"surprise": 1}, 400, "unknown_parameter", "surprise"),
        ({"stream": "yes"}, 400, "invalid_value", "stream"),
    ],
)
async def test_a_wrong_request_is_refused_by_the_name_of_its_field(
    program: Program, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    for streams in ({}, {"stream": True}):
        assert (await program.ask("POST", PATH, body(**streams | fields))).error == (status, code, param)


@pytest.mark.usefixtures("nothing_stored")
async def test_a_refusal_that_only_the_storage_knows_has_the_path_of_the_client(program: Program) -> None:
    asked = {"role": "user", "content": [{"type": "text", "text": "a"}]}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    sent = [*QUESTION, {"role": "user", "content": [*asked["content"], image]}]
    reply = await program.ask("POST", PATH, body(messages=sent))
    assert reply.error == (415, "unsupported_file", "messages[1].content[1].image_url.url")
