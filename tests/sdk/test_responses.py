"""OpenAI's SDK for Python creates, reads, resumes, cancels and deletes responses, under each server."""

import base64
import json
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import Response
from pydantic import BaseModel

from tests.harness.pictures import png
from tests.harness.upstream import text_of
from tests.harness.upstream.digests import digest_of
from tests.harness.waiting import deadline, wait_until
from tests.sdk.conftest import Api
from tests.sdk.judging import Judge, judged_client

MODEL = "scripted"
TOOL: Any = {
    "type": "function",
    "name": "depth",
    "description": "The depth of a lake.",
    "parameters": {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    },
    "strict": True,
}
OWN_CODES: Any = {"_strict_response_validation": False}  # OpenAI's type of an error has no other codes


class Lake(BaseModel):
    """As `parse` demands an answer."""

    name: str
    depth: float
    islands: list[str]


def test_an_answer_as_one_reply(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="[words-8] once", metadata={"lake": "Geneva"})
    assert (response.status, response.output_text) == ("completed", text_of("words-8"))
    assert response.metadata == {"lake": "Geneva"}
    assert response.usage is not None
    assert response.usage.output_tokens == 8
    assert client.responses.retrieve(response.id) == response


def test_an_answer_as_a_stream_and_again_from_each_number(client: OpenAI, judge: Judge) -> None:
    stream = client.responses.create(model=MODEL, input="[reasoning-2+words-6] a stream", stream=True)
    events = [event.model_dump() for event in stream]
    response_id = events[0]["response"]["id"]
    assert judge.last.data[-1] == "[DONE]"
    assert text_in(events) == text_of("words-6")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for number in range(len(events)):
        resumed = client.responses.retrieve(response_id, stream=True, starting_after=number)
        assert [event.model_dump() for event in resumed] == events[number + 1 :]
    again = client.responses.retrieve(response_id, stream=True)
    assert [event.model_dump() for event in again] == events


async def test_the_asynchronous_sdk(async_client: AsyncOpenAI) -> None:
    stream = await async_client.responses.create(model=MODEL, input="[words-6] in turn", stream=True)
    events = [event.model_dump() async for event in stream]
    response_id = events[0]["response"]["id"]
    resumed = await async_client.responses.retrieve(response_id, stream=True, starting_after=3)
    assert [event.model_dump() async for event in resumed] == events[4:]
    assert (await async_client.responses.retrieve(response_id)).output_text == text_of("words-6")


def test_a_live_answer_is_read_by_others(client: OpenAI, api: Api) -> None:
    """Polled, resumed, and followed by the helper, which builds its own response, while it runs."""
    prompt = f"[hold-after-4+words-9] live, {api.base_url}"
    queued = client.responses.create(model=MODEL, input=prompt, background=True)
    assert queued.status in ("queued", "in_progress")
    live = wait_until(lambda: with_text(client, queued.id, 4), deadline(), "four words are there")
    assert live is not None
    assert live.status == "in_progress"
    raw = client.responses.with_raw_response.retrieve(queued.id)
    assert raw.headers["openai-poll-after-ms"] == "1000"
    with client.responses.stream(response_id=queued.id, starting_after=4) as helped:
        first = next(iter(helped))
        api.stack.upstream.release(prompt)
        numbers = [first.sequence_number, *(event.sequence_number for event in helped)]
        final = helped.get_final_response()
    assert (numbers[0], numbers) == (5, sorted(set(numbers)))
    assert final.output_text == text_of("words-9")
    assert client.responses.retrieve(queued.id).output_text == final.output_text


def test_a_background_stream_is_left_and_resumed(client: OpenAI, api: Api) -> None:
    prompt = f"[hold-after-3+words-9] left, {api.base_url}"
    with client.responses.create(model=MODEL, input=prompt, background=True, stream=True) as stream:
        first = [event.model_dump() for event, _ in zip(stream, range(4), strict=False)]
    api.stack.upstream.release(prompt)
    response_id, last = first[0]["response"]["id"], first[-1]["sequence_number"]
    rest = [
        event.model_dump()
        for event in client.responses.retrieve(response_id, stream=True, starting_after=last)
    ]
    numbers = [event["sequence_number"] for event in [*first, *rest]]
    assert numbers == list(range(len(numbers)))
    assert text_in([*first, *rest]) == text_of("words-9")


def test_an_answer_is_cancelled_from_elsewhere(client: OpenAI, api: Api) -> None:
    """One that a stream reads, which is not in background; twice is as once."""
    prompt = f"[stall-after-3] cancelled, {api.base_url}"
    with client.responses.create(model=MODEL, input=prompt, stream=True) as stream:
        events = iter(stream)
        created: Any = next(events)
        wait_until(lambda: with_text(client, created.response.id, 1), deadline(), "a word is there")
        assert client.responses.cancel(created.response.id).status == "cancelled"
        *_, last = events
    assert (last.type, getattr(last, "response").status) == ("response.incomplete", "cancelled")  # noqa: B009
    assert client.responses.cancel(created.response.id).status == "cancelled"
    assert api.stack.upstream.wait_for_end(prompt).aborted


def test_a_deleted_answer_is_gone(client: OpenAI, api: Api) -> None:
    prompt = f"[stall-after-3] deleted, {api.base_url}"
    running = client.responses.create(model=MODEL, input=prompt, background=True)
    client.responses.delete(running.id)
    with pytest.raises(openai.NotFoundError, match="response"):
        client.responses.retrieve(running.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.input_items.list(running.id)
    row = api.stack.settled(running.id)
    assert (row["status"], row["input"], row["output"]) == ("cancelled", "[]", "")


def test_the_input_is_listed_by_pages(client: OpenAI) -> None:
    said: Any = [{"role": "user", "content": f"[fast] {number}"} for number in range(5)]
    response = client.responses.create(model=MODEL, input=said)
    pages = list(client.responses.input_items.list(response.id, limit=2, order="asc").iter_pages())
    assert [len(page.data) for page in pages] == [2, 2, 1]
    texts = [text_of_item(item) for page in pages for item in page.data]
    assert texts == [item["content"] for item in said]
    newest = client.responses.input_items.list(response.id).data
    assert [text_of_item(item) for item in newest] == texts[::-1]


def test_a_conversation_by_previous_ids(client: OpenAI, api: Api) -> None:
    first = client.responses.create(model=MODEL, input="[fast] How deep?", instructions="Be brief.")
    prompt = f"[words-3] And how wide, {api.base_url}?"
    second = client.responses.create(model=MODEL, input=prompt, previous_response_id=first.id)
    assert second.previous_response_id == first.id
    sent = [message["role"] for message in api.stack.upstream.requests(prompt)[0].messages]
    assert sent == ["user", "assistant", "user"]  # instructions are of one request


def test_a_loop_of_calls(client: OpenAI, api: Api) -> None:
    """By previous ids, and with all items sent again, as frameworks do."""
    prompt = f"[tool-depth+words-4] How deep, {api.base_url}?"
    called = client.responses.create(model=MODEL, input=prompt, tools=[TOOL])
    [call] = called.output
    assert call.type == "function_call"
    assert (call.name, json.loads(call.arguments)["title"]) == ("depth", prompt.partition("] ")[2])
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "309 m"}
    chained = client.responses.create(
        model=MODEL, input=[result], previous_response_id=called.id, tools=[TOOL]
    )
    whole: Any = [{"role": "user", "content": prompt}, *(item.to_dict() for item in called.output), result]
    repeated = client.responses.create(model=MODEL, input=whole, tools=[TOOL])
    assert chained.output_text == repeated.output_text == text_of("words-4")
    _, one, other = api.stack.upstream.requests(prompt)
    assert one.messages == other.messages
    assert [message["role"] for message in one.messages] == ["user", "assistant", "tool"]


def test_a_demanded_call_streams_its_arguments(client: OpenAI) -> None:
    with client.responses.stream(
        model=MODEL, input="How deep?", tools=[TOOL], tool_choice="required"
    ) as stream:
        arguments = "".join(
            event.delta for event in stream if event.type == "response.function_call_arguments.delta"
        )
        [call] = stream.get_final_response().output
    assert call.type == "function_call"
    assert (call.arguments, json.loads(arguments)) == (arguments, {"title": "Lake"})


def test_an_answer_is_parsed(client: OpenAI) -> None:
    parsed = client.responses.parse(model=MODEL, input="Which lake?", text_format=Lake)
    assert parsed.output_parsed == Lake(name="Lake", depth=1.5, islands=["Lake"])
    with client.responses.stream(model=MODEL, input="Which lake?", text_format=Lake) as stream:
        assert stream.get_final_response().output_parsed == parsed.output_parsed


def test_a_picture_and_a_file_reach_the_model(client: OpenAI, api: Api) -> None:
    picture, page = png(3), b"Lakes, a list"
    prompt = f"[words-3] What is this, {api.base_url}?"
    parts: Any = [
        {"type": "input_text", "text": prompt},
        {"type": "input_image", "image_url": data_url("image/png", picture), "detail": "low"},
        {"type": "input_file", "filename": "a.txt", "file_data": data_url("text/plain", page)},
    ]
    asked: Any = [{"role": "user", "content": parts}]
    response = client.responses.create(model="scripted-vision", input=asked)
    assert response.output_text == text_of("words-3")
    [record] = [each for each in api.stack.upstream.requests() if each.prompt.startswith(prompt)]
    assert record.files == [digest_of("image/png", picture)]
    assert page.decode() in record.prompt  # a text file is text to the model
    item: Any = client.responses.input_items.list(response.id).data[0]
    assert [part.type for part in item.content] == ["input_text", "input_image", "input_file"]


def test_refusals_are_errors_of_the_sdk(client: OpenAI, api: Api) -> None:
    create = client.responses.create
    with pytest.raises(openai.BadRequestError) as unknown:
        create(model=MODEL, input="a", extra_body={"what": 1})
    assert (unknown.value.code, unknown.value.param) == ("unknown_parameter", "what")
    with pytest.raises(openai.BadRequestError) as unsupported:
        create(model=MODEL, input="a", tools=[{"type": "web_search"}])
    assert (unsupported.value.code, unsupported.value.param) == ("unsupported_parameter", "tools[0].type")
    with pytest.raises(openai.NotFoundError) as missing:
        create(model="none", input="a")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as previous:
        create(model=MODEL, input="a", previous_response_id=f"resp_{'0' * 32}")
    assert previous.value.code == "previous_response_not_found"
    with pytest.raises(openai.AuthenticationError) as stranger:
        client.with_options(api_key="tr_wrong").models.list()
    assert stranger.value.code == "invalid_api_key"
    assert stranger.value.request_id


@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ("status-400", openai.BadRequestError, "upstream_rejected"),
        ("retry-after-ms-1", openai.RateLimitError, "rate_limit_exceeded"),
        ("cut-after-2", openai.InternalServerError, "upstream_cut"),
    ],
)
def test_a_failure_is_an_error_of_the_sdk(
    client: OpenAI, script: str, error: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(error) as failed:
        client.responses.create(model=MODEL, input=f"[{script}] fails")
    assert failed.value.code == code


def test_a_stream_tells_its_failure(api: Api, judge: Judge) -> None:
    with judged_client(api.base_url, api.key, judge, **OWN_CODES) as client:
        *_, last = client.responses.create(model=MODEL, input="[cut-after-2] fails", stream=True)
    assert last.type == "response.failed"
    error: Any = last.response.error
    assert error.code == "upstream_cut"
    assert last.response.output_text == "w0 w1"


def text_in(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


def text_of_item(item: Any) -> str:
    return str(item.content[0].text)


def with_text(client: OpenAI, response_id: str, words: int) -> Response | None:
    """The response as it is now, if it has so many words."""
    response = client.responses.retrieve(response_id)
    return response if len(response.output_text.split()) >= words else None


def data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
