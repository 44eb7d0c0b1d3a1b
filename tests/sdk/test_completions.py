"""OpenAI's SDK for Python asks for chat completions, under each server."""

import json
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.harness.pictures import png
from tests.harness.upstream import text_of
from tests.harness.upstream.digests import digest_of
from tests.sdk.conftest import Api
from tests.sdk.judging import Judge, judged_client
from tests.sdk.test_responses import MODEL, Lake, data_url

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "depth",
        "description": "The depth of a lake.",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}},
            "required": ["title"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


AUDIO = {"type": "input_audio"}


def asked(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_a_completion_as_one_reply(client: OpenAI) -> None:
    messages = asked("[reasoning-2+words-8] once")
    completion = client.chat.completions.create(model=MODEL, messages=messages)
    [choice] = completion.choices
    assert (choice.message.content, choice.finish_reason) == (text_of("words-8"), "stop")
    assert choice.message.to_dict()["reasoning_content"] == "r0 r1"
    assert completion.usage is not None
    assert (
        completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    )
    with pytest.raises(openai.NotFoundError):  # it is not stored
        client.chat.completions.retrieve(completion.id)


def test_a_completion_as_a_stream(client: OpenAI, judge: Judge) -> None:
    stream = client.chat.completions.create(
        model=MODEL,
        messages=asked("[reasoning-2+words-8] in pieces"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == text_of("words-8")
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [10]
    assert judge.last.data[-1] == "[DONE]"


async def test_the_asynchronous_sdk(async_client: AsyncOpenAI) -> None:
    messages = asked("[words-6] in turn")
    async with async_client.chat.completions.stream(model=MODEL, messages=messages) as stream:
        deltas = [event.delta async for event in stream if event.type == "content.delta"]
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == "".join(deltas) == text_of("words-6")


def test_the_helper_adds_up_calls(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=asked("How deep?"), tools=[TOOL], tool_choice="required"
    ) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        [choice] = stream.get_final_completion().choices
    [call] = choice.message.tool_calls or []
    assert choice.finish_reason == "tool_calls"
    assert [event.parsed_arguments for event in done] == [{"title": "Lake"}]
    assert (call.function.name, call.function.parsed_arguments) == ("depth", {"title": "Lake"})


def test_a_loop_of_calls(client: OpenAI, api: Api) -> None:
    prompt = f"[tool-depth+words-4] How deep is it, {api.base_url}?"
    create = client.chat.completions.create
    called = create(model=MODEL, messages=asked(prompt), tools=[TOOL]).choices[0].message
    [call] = called.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments)["title"] == prompt.partition("] ")[2]
    result = {"role": "tool", "tool_call_id": call.id, "content": "309 m"}
    messages: list[Any] = [*asked(prompt), called, result]
    answer = create(model=MODEL, messages=messages, tools=[TOOL])
    assert answer.choices[0].message.content == text_of("words-4")
    _, sent = api.stack.upstream.requests(prompt)
    assert [message["role"] for message in sent.messages] == ["user", "assistant", "tool"]
    assert sent.messages[1]["tool_calls"][0]["id"] == call.id


def test_an_answer_is_parsed(client: OpenAI) -> None:
    messages, lake = asked("Which lake?"), Lake(name="Lake", depth=1.5, islands=["Lake"])
    parsed = client.chat.completions.parse(model=MODEL, messages=messages, response_format=Lake)
    assert parsed.choices[0].message.parsed == lake
    with client.chat.completions.stream(model=MODEL, messages=messages, response_format=Lake) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == lake


def test_a_picture_reaches_the_model(client: OpenAI, api: Api) -> None:
    picture, prompt = png(4), f"[words-3] What is it, {api.base_url}?"
    image = {"type": "image_url", "image_url": {"url": data_url("image/png", picture)}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": prompt}, image]}]
    client.chat.completions.create(model="scripted-vision", messages=messages)
    [record] = api.stack.upstream.requests(prompt)
    assert record.files == [digest_of("image/png", picture)]


def test_a_stored_completion_is_retrieved_and_deleted(client: OpenAI) -> None:
    create = client.chat.completions.create
    completion = create(model=MODEL, messages=asked("[words-8] stored"), store=True)
    assert client.chat.completions.retrieve(completion.id) == completion
    assert client.chat.completions.delete(completion.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(completion.id)


def test_a_client_that_leaves_stops_the_answer_unless_it_can_return(client: OpenAI, api: Api) -> None:
    create, upstream = client.chat.completions.create, api.stack.upstream
    left = f"[words-3+stall-after-3] left, {api.base_url}"
    with create(model=MODEL, messages=asked(left), stream=True) as stream:
        next(iter(stream))
    assert upstream.wait_for_end(left).aborted
    kept = f"[hold-after-3+words-9] kept, {api.base_url}"
    key = {"Idempotency-Key": f"kept, {api.base_url}"}
    with create(model=MODEL, messages=asked(kept), stream=True, extra_headers=key) as stream:
        begun = next(iter(stream))
    upstream.release(kept)
    again = list(create(model=MODEL, messages=asked(kept), stream=True, extra_headers=key))
    assert {chunk.id for chunk in again} == {begun.id}
    texts = [choice.delta.content or "" for chunk in again for choice in chunk.choices]
    assert "".join(texts) == text_of("words-9")
    assert not upstream.wait_for_end(kept).aborted


def test_refusals_are_errors_of_the_sdk(client: OpenAI) -> None:
    create = client.chat.completions.create
    for fields, param in (
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"messages": [*asked("a"), {"role": "user", "content": [AUDIO]}]}, "messages[1].content[0].type"),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            create(**({"model": MODEL, "messages": asked("a")} | fields))
        assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
        assert refused.value.request_id


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ("status-400", openai.BadRequestError, "upstream_rejected"),
        ("retry-after-ms-1", openai.RateLimitError, "rate_limit_exceeded"),
        ("cut-after-0", openai.InternalServerError, "upstream_cut"),
    ],
)
def test_a_failure_before_the_text_is_an_error_of_the_sdk(
    client: OpenAI, script: str, error: type[openai.APIStatusError], code: str, streams: bool
) -> None:
    with pytest.raises(error) as failed:
        client.chat.completions.create(model=MODEL, messages=asked(f"[{script}] fails"), stream=streams)
    assert failed.value.code == code


def test_a_failure_after_it_is_raised_by_the_stream(api: Api, judge: Judge) -> None:
    texts = []
    with judged_client(api.base_url, api.key, judge) as client:
        stream = client.chat.completions.create(model=MODEL, messages=asked("[cut-after-2] x"), stream=True)
        with pytest.raises(openai.APIError, match="ended the answer before") as failed:
            texts += [chunk.choices[0].delta.content for chunk in stream]
    assert failed.value.code == "upstream_cut"


def test_the_sdk_s_own_retry_with_a_key_asks_the_model_once(api: Api, judge: Judge) -> None:
    """The reply of the first request does not arrive: the client gives up, and sends it again."""
    prompt, key = f"[words-3] retried, {api.base_url}", {"Idempotency-Key": f"retried, {api.base_url}"}
    with judged_client(api.base_url, api.key, judge, max_retries=2) as client:
        lose_first_reply(client)
        completion = client.chat.completions.create(model=MODEL, messages=asked(prompt), extra_headers=key)
    assert completion.choices[0].message.content == text_of("words-3")
    assert len(api.stack.upstream.requests(prompt)) == 1


def lose_first_reply(client: OpenAI) -> None:
    """Raise as for a lost connection, once, after the reply of the first request has come."""
    send = client._client.send
    lost: list[Any] = []

    def sending(*args: Any, **options: Any) -> Any:
        reply = send(*args, **options)
        if not lost:
            lost.append(reply)
            reply.close()
            raise httpx2.ReadError("the connection is lost")
        return reply

    client._client.send = sending  # type: ignore[method-assign]  # between the SDK and its HTTP client
