"""The scripted upstream behaves on the wire as its model names say."""

import asyncio
import http.client
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk

from tests.harness.upstream import Behaviour, UnknownModelError, Upstream, parse, text_of

PROMPT = "say something"
NOTICE_SECS = 0.1  # how soon the upstream knows that its client left
SLACK_SECS = 0.25  # a busy machine


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream.start() as running:
        yield running


@asynccontextmanager
async def client(upstream: Upstream, api_key: str = "any") -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=upstream.base_url, api_key=api_key, max_retries=0, timeout=20) as sdk:
        yield sdk


def request_body(model: str, prompt: str = PROMPT) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def chunks_of(upstream: Upstream, model: str, prompt: str = PROMPT) -> list[ChatCompletionChunk]:
    async with client(upstream) as sdk:
        stream = await sdk.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk async for chunk in stream]


def text_in(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def reasons_in(chunks: list[ChatCompletionChunk]) -> list[str]:
    return [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]


@asynccontextmanager
async def raw(upstream: Upstream, model: str, prompt: str = PROMPT) -> AsyncIterator[aiohttp.ClientResponse]:
    body = request_body(model, prompt)
    async with aiohttp.ClientSession() as session:
        url = f"{upstream.base_url}/chat/completions"
        async with session.post(url, json=body, timeout=aiohttp.ClientTimeout(total=20)) as response:
            yield response


async def body_of(upstream: Upstream, model: str, prompt: str = PROMPT) -> bytes:
    async with raw(upstream, model, prompt) as response:
        assert response.status == 200
        return await response.read()


async def read_words(response: aiohttp.ClientResponse, count: int) -> list[str]:
    words = []
    async for line in response.content:
        if line.startswith(b"data: {"):
            delta = json.loads(line.removeprefix(b"data: "))["choices"][0]["delta"]
            if delta.get("content"):
                words.append(delta["content"])
        if len(words) == count:
            break
    return words


async def connection_error(upstream: Upstream, model: str) -> tuple[bytes, Exception | None]:
    received = b""
    try:
        async with raw(upstream, model) as response:
            async for data in response.content.iter_any():
                received += data
    except (aiohttp.ClientError, ConnectionError) as error:
        return received, error
    return received, None


# the grammar


def test_a_model_name_sets_all_that_its_parts_name() -> None:
    assert parse("reasoning-3+words-50+cut-after-5@2.5:some label") == Behaviour(
        words=50, reasoning=3, rate=2.5, fault="cut", after=5
    )


@pytest.mark.parametrize(
    "model", ["", "gpt-5", "words", "words-x", "fast@", "fast@x", "cut-5", "fast+", "status-42"]
)
def test_a_name_outside_the_grammar_is_refused(model: str) -> None:
    with pytest.raises(UnknownModelError):
        parse(model)


def test_a_label_changes_nothing() -> None:
    assert parse("fast:one") == parse("fast:two") == parse("fast")


def test_a_fault_that_is_limited_ends_with_its_last_request() -> None:
    behaviour = parse("words-9+status-500+times-2")
    assert [behaviour.on_request(number).status for number in (1, 2, 3)] == [500, 500, 200]
    assert behaviour.on_request(3).words == 9


# what is said


async def test_an_answer_is_the_role_then_the_text_then_the_reason_then_the_usage(upstream: Upstream) -> None:
    chunks = await chunks_of(upstream, "words-5")
    first, last = chunks[0].choices[0].delta, chunks[-1]
    assert (first.role, first.content) == ("assistant", "")
    assert text_in(chunks) == "w0 w1 w2 w3 w4" == text_of("words-5")
    assert reasons_in(chunks) == ["stop"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (2, 5, 7)


async def test_a_stream_ends_with_done(upstream: Upstream) -> None:
    assert (await body_of(upstream, "fast")).endswith(b"\n\ndata: [DONE]\n\n")


async def test_the_echo_is_the_last_message_of_the_user(upstream: Upstream) -> None:
    prompt = "  two  spaces,\na line, 水車 and \ud83c\udf0a ".encode("utf-16", "surrogatepass").decode(
        "utf-16"
    )
    assert text_in(await chunks_of(upstream, "echo", prompt)) == prompt


async def test_a_text_is_spelled_one_character_at_a_time(upstream: Upstream) -> None:
    prompt = "<b>水 \n"
    chunks = await chunks_of(upstream, "spell", prompt)
    said = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert said == ["<", "b", ">", "水", " ", "\n"]


async def test_an_article_is_as_long_as_asked_and_begins_again(upstream: Upstream) -> None:
    text = text_in(await chunks_of(upstream, "article-500"))
    assert text == text_of("article-500")
    assert len(text.split()) == 500
    assert text.count("# How a water mill works") > 1
    assert "```python\n" in text


async def test_reasoning_comes_before_the_text_and_is_counted(upstream: Upstream) -> None:
    chunks = await chunks_of(upstream, "reasoning-2+words-3")
    deltas = [choice.delta.model_dump() for chunk in chunks for choice in chunk.choices]
    spoken = [delta.get("reasoning_content") or delta["content"] for delta in deltas]
    assert "".join(text or "" for text in spoken) == "r0 r1w0 w1 w2"
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert (usage.completion_tokens, usage.completion_tokens_details.reasoning_tokens) == (5, 2)


async def test_a_length_model_stops_for_its_length(upstream: Upstream) -> None:
    chunks = await chunks_of(upstream, "length-4")
    assert text_in(chunks) == "w0 w1 w2 w3"
    assert reasons_in(chunks) == ["length"]


async def test_a_model_without_usage_sends_none(upstream: Upstream) -> None:
    chunks = await chunks_of(upstream, "no-usage")
    assert [chunk.usage for chunk in chunks if chunk.usage] == []
    assert reasons_in(chunks) == ["stop"]


async def test_usage_is_sent_only_when_asked_for(upstream: Upstream) -> None:
    async with client(upstream) as sdk:
        stream = await sdk.chat.completions.create(
            model="words-2", messages=[{"role": "user", "content": PROMPT}], stream=True
        )
        assert [chunk.usage async for chunk in stream if chunk.usage] == []


async def test_the_words_go_on_after_a_prefill(upstream: Upstream) -> None:
    async with client(upstream) as sdk:
        stream = await sdk.chat.completions.create(
            model="words-6",
            messages=[{"role": "user", "content": PROMPT}, {"role": "assistant", "content": "w0 w1 w2"}],
            stream=True,
        )
        assert text_in([chunk async for chunk in stream]) == " w3 w4 w5"


async def test_windows_line_ends_are_on_the_wire(upstream: Upstream) -> None:
    body = await body_of(upstream, "crlf+words-3")
    assert body.count(b"\n") == body.count(b"\r\n") > 0
    assert text_in(await chunks_of(upstream, "crlf+words-3")) == "w0 w1 w2"


@pytest.mark.parametrize(
    ("form", "on_the_wire"),
    [
        ("bom", b"\xef\xbb\xbfdata: {"),
        ("no-space", b'\n\ndata:{"id"'),
        ("many-lines", b'data: {\ndata: "id"'),
        ("keep-alives", b": ping\n\n\nevent: ping\n\ndata:\n\n"),
    ],
)
async def test_the_same_words_come_in_other_forms(upstream: Upstream, form: str, on_the_wire: bytes) -> None:
    body = await body_of(upstream, f"{form}+words-3")
    assert on_the_wire in body
    assert body.endswith(b"[DONE]\n\n")
    if form in ("no-space", "many-lines"):  # the others are more than the SDK reads
        assert text_in(await chunks_of(upstream, f"{form}+words-3")) == "w0 w1 w2"


async def test_characters_are_split_over_writes(upstream: Upstream) -> None:
    async with raw(upstream, "split-utf8") as response:
        pieces = [data async for data, _ in response.content.iter_chunks()]
    assert sum(not is_utf8(piece) for piece in pieces) > 20
    assert text_in(await chunks_of(upstream, "split-utf8")) == text_of("split-utf8")


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


async def test_hostile_characters_are_escaped_on_the_wire(upstream: Upstream) -> None:
    body = await body_of(upstream, "nul")
    for escape in (b"\\u0000", b"\\ud800", b"\\ud83d", b"\\ude00"):
        assert escape in body
    assert text_in(await chunks_of(upstream, "nul")) == text_of("nul")


async def test_words_come_at_the_rate_without_drift(upstream: Upstream) -> None:
    started = time.monotonic()
    async with raw(upstream, "words-21@40") as response:
        words = await read_words(response, 21)
    assert len(words) == 21
    assert 0.5 - 0.01 <= time.monotonic() - started < 0.5 + SLACK_SECS


async def test_a_wait_comes_before_the_first_word(upstream: Upstream) -> None:
    started = time.monotonic()
    async with raw(upstream, "wait-1+words-3") as response:
        await read_words(response, 1)
        assert time.monotonic() - started >= 1


# what goes wrong


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("status-401", openai.AuthenticationError),
        ("status-404", openai.NotFoundError),
        ("status-429", openai.RateLimitError),
        ("status-500", openai.InternalServerError),
        ("no-such-model", openai.NotFoundError),
    ],
)
async def test_a_status_is_the_error_that_the_sdk_knows(
    upstream: Upstream, model: str, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as raised:
        await chunks_of(upstream, model)
    assert raised.value.code is not None
    assert "Retry-After" not in raised.value.response.headers


async def test_a_refusal_can_name_the_time_to_wait(upstream: Upstream) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        await chunks_of(upstream, "retry-after-1")
    assert raised.value.response.headers["Retry-After"] == "1"


async def test_a_refusal_can_name_it_as_a_date_and_in_milliseconds(upstream: Upstream) -> None:
    for model, header in (("retry-after-date-90", "Retry-After"), ("retry-after-ms-90", "retry-after-ms")):
        with pytest.raises(openai.RateLimitError) as raised:
            await chunks_of(upstream, model)
        said = raised.value.response.headers[header]
        if header == "Retry-After":
            assert 80 < parsedate_to_datetime(said).timestamp() - time.time() <= 90
        else:
            assert said == "90"


async def test_any_refusal_can_name_it(upstream: Upstream) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        await chunks_of(upstream, "retry-after-1+status-503")
    assert raised.value.response.headers["Retry-After"] == "1"


async def test_a_limited_fault_is_over_for_the_next_request(upstream: Upstream) -> None:
    model = "words-3+status-500+times-1:limited"
    with pytest.raises(openai.InternalServerError):
        await chunks_of(upstream, model)
    assert text_in(await chunks_of(upstream, model)) == "w0 w1 w2"


async def test_a_page_comes_with_status_200(upstream: Upstream) -> None:
    async with raw(upstream, "html") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert (await response.text()).startswith("<!doctype html>")


async def test_an_unresponsive_upstream_sends_not_even_headers(upstream: Upstream) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3), raw(upstream, "no-reply"):
            pass
    assert upstream.wait_for_end("no-reply").aborted


async def test_a_held_answer_goes_on_once_it_is_released_and_the_next_is_held(
    upstream: Upstream,
) -> None:
    model = "words-8+hold-after-5:held"
    for _ in (1, 2):
        async with raw(upstream, model) as response:
            assert await read_words(response, 5) == ["w0", " w1", " w2", " w3", " w4"]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(read_words(response, 1), 0.3)
            await asyncio.to_thread(upstream.release, model)
            assert await read_words(response, 3) == [" w5", " w6", " w7"]
    with pytest.raises(AssertionError, match="404"):
        await asyncio.to_thread(upstream.release, "never-asked")


async def test_a_stall_at_the_start_is_headers_and_nothing_more(upstream: Upstream) -> None:
    async with raw(upstream, "stall-first") as response:
        assert response.status == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readany(), 0.3)


async def test_a_stall_comes_after_its_words(upstream: Upstream) -> None:
    async with raw(upstream, "stall-after-5") as response:
        assert await read_words(response, 5) == ["w0", " w1", " w2", " w3", " w4"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read_words(response, 1), 0.3)


@pytest.mark.parametrize(
    ("model", "last"), [("stall-last", b'"finish_reason":"stop"'), ("stall-done", b"[DONE]")]
)
async def test_a_stall_comes_after_the_end_of_the_text(upstream: Upstream, model: str, last: bytes) -> None:
    received = b""
    async with raw(upstream, f"{model}+words-3") as response:
        while last not in received:
            received += await response.content.readany()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readany(), 0.3)
    assert (b"[DONE]" in received) == (model == "stall-done")


async def test_a_cut_stream_ends_as_if_all_were_well(upstream: Upstream) -> None:
    received, error = await connection_error(upstream, "cut-after-5")
    assert error is None
    assert received.count(b'"content":"') == 6  # the role's empty one, then five
    assert b"[DONE]" not in received
    assert reasons_in(await chunks_of(upstream, "cut-after-5")) == []


async def test_a_dropped_stream_ends_inside_its_body(upstream: Upstream) -> None:
    received, error = await connection_error(upstream, "drop-after-5")
    assert isinstance(error, aiohttp.ClientPayloadError)
    assert not isinstance(error.__cause__, ConnectionResetError)
    assert received.count(b'"content":"') == 6


async def test_a_reset_stream_is_a_reset(upstream: Upstream) -> None:
    received, error = await bytes_until_end(upstream, "reset-after-5")
    assert isinstance(error, ConnectionResetError)
    assert received.count(b'"content":"') == 6


async def bytes_until_end(upstream: Upstream, model: str) -> tuple[bytes, Exception | None]:
    reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
    body = json.dumps(request_body(model)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: upstream\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    received = b""
    try:
        while data := await reader.read(65536):
            received += data
    except ConnectionError as error:
        return received, error
    finally:
        writer.close()
    return received, None


async def test_broken_json_is_one_event_and_the_rest_follows(upstream: Upstream) -> None:
    body = await body_of(upstream, "words-6+bad-json-after-3")
    lines = [line for line in body.split(b"\n") if line.startswith(b"data: {")]
    broken = [number for number, line in enumerate(lines) if not is_json(line.removeprefix(b"data: "))]
    assert broken == [4]  # after the role and three words
    assert b'"content":" w5"' in body
    assert b"[DONE]" in body


def is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


async def test_broken_utf8_is_one_event_and_the_rest_follows(upstream: Upstream) -> None:
    body = await body_of(upstream, "words-6+bad-utf8-after-3")
    lines = body.split(b"\n\n")
    assert [number for number, line in enumerate(lines) if not is_utf8(line)] == [4]
    assert b'"content":" w5"' in body


async def test_an_error_in_the_stream_raises_in_the_sdk(upstream: Upstream) -> None:
    with pytest.raises(openai.APIError, match="scripted upstream fails"):
        await chunks_of(upstream, "error-in-stream-after-3")
    body = await body_of(upstream, "error-in-stream-after-3")
    assert body.count(b'"content":"') == 4
    assert b'"finish_reason":"' not in body


async def test_comments_are_all_that_comes(upstream: Upstream) -> None:
    async with raw(upstream, "comments-only@50") as response:
        lines = [await response.content.readline() for _ in range(10)]
    assert set(lines) == {b": keep-alive\n", b"\n"}


@pytest.mark.parametrize(
    ("model", "kept_alive"),
    [("comments-after-3@50", b": keep-alive\n"), ("empty-after-3@50", b'"content":""')],
)
async def test_keep_alives_without_end_come_after_the_words(
    upstream: Upstream, model: str, kept_alive: bytes
) -> None:
    async with raw(upstream, model) as response:
        assert await read_words(response, 3) == ["w0", " w1", " w2"]
        received = b""
        while received.count(kept_alive) < 5:
            received += await response.content.readany()
    assert b" w3" not in received


async def test_a_huge_line_has_no_end(upstream: Upstream) -> None:
    body = await body_of(upstream, "huge-line-2")
    assert len(body) == 2 * 1024 * 1024 + len(b"data: ")
    assert b"\n" not in body


async def test_a_fault_beyond_the_text_comes_at_its_end(upstream: Upstream) -> None:
    received, error = await connection_error(upstream, "words-3+drop-after-50")
    assert isinstance(error, aiohttp.ClientPayloadError)
    assert received.count(b'"content":"') == 4
    assert b'"finish_reason":"' not in received


# what is remembered


async def test_a_request_is_recorded_completely(upstream: Upstream) -> None:
    before = time.time()
    async with client(upstream, api_key="a key") as sdk:
        stream = await sdk.chat.completions.create(
            model="words-7:remembered",
            messages=[{"role": "user", "content": PROMPT}],
            stream=True,
            temperature=0.5,
        )
        chunks = [chunk async for chunk in stream]
    record = upstream.wait_for_end("words-7:remembered")
    assert record.id == chunks[0].id
    assert record.messages == [{"role": "user", "content": PROMPT}]
    assert record.body["temperature"] == 0.5
    assert record.key == "a key"
    assert (record.chunks, record.finished, record.aborted) == (7, True, False)
    assert record.ended_at is not None
    assert before <= record.started_at <= record.ended_at <= time.time()


@pytest.mark.parametrize(
    "model", ["stall-first", "stall-after-5", "words-50@5", "comments-only", "huge-line-64"]
)
async def test_a_client_that_disconnects_is_noticed_at_once(upstream: Upstream, model: str) -> None:
    name = f"{model}:left"
    async with raw(upstream, name) as response:
        if model != "stall-first":
            await response.content.readany()
        [record] = upstream.requests(name)
        assert (record.aborted, record.finished, record.ended_at) == (False, False, None)
        response.close()
        left_at = time.time()
    record = upstream.wait_for_end(name)
    assert (record.aborted, record.finished) == (True, False)
    assert record.ended_at is not None
    assert record.ended_at - left_at < NOTICE_SECS + SLACK_SECS


async def test_the_sdk_that_closes_its_stream_is_noticed(upstream: Upstream) -> None:
    async with client(upstream) as sdk:
        stream = await sdk.chat.completions.create(
            model="words-100@20:closed", messages=[{"role": "user", "content": PROMPT}], stream=True
        )
        async for _ in stream:
            break
        await stream.close()
        record = upstream.wait_for_end("words-100@20:closed")
    assert record.aborted
    assert record.chunks < 10


@pytest.mark.parametrize("fault", ["cut", "drop", "reset"])
async def test_a_fault_of_the_upstream_is_no_abort_of_the_client(upstream: Upstream, fault: str) -> None:
    await connection_error(upstream, f"{fault}-after-3:no abort")
    record = upstream.wait_for_end(f"{fault}-after-3:no abort")
    assert (record.chunks, record.finished, record.aborted) == (3, True, False)


async def test_refused_requests_are_recorded_too(upstream: Upstream) -> None:
    with pytest.raises(openai.RateLimitError):
        await chunks_of(upstream, "status-429:remembered")
    assert upstream.wait_for_end("status-429:remembered").finished


async def test_forgetting_one_model_keeps_the_others(upstream: Upstream) -> None:
    await body_of(upstream, "fast:forgotten")
    await body_of(upstream, "fast:kept")
    upstream.clear("fast:forgotten")
    assert upstream.requests("fast:forgotten") == []
    assert len(upstream.requests("fast:kept")) == 1
    assert "fast:kept" in [record.model for record in upstream.requests()]


# the process


async def test_the_key_is_asked_for_when_there_is_one() -> None:
    with Upstream.start(api_key="right") as upstream:
        async with client(upstream, "wrong") as sdk:
            with pytest.raises(openai.AuthenticationError):
                await sdk.models.list()
            with pytest.raises(openai.AuthenticationError):
                await sdk.chat.completions.create(model="fast", messages=[], stream=True)
        async with client(upstream, "right") as sdk:
            names = [model.id async for model in sdk.models.list()]
        assert [record.key for record in upstream.requests()] == ["wrong"]
    assert "fast" in names
    assert all(parse(name) for name in names)


async def test_a_request_that_is_no_stream_is_refused(upstream: Upstream) -> None:
    async with client(upstream) as sdk:
        with pytest.raises(openai.BadRequestError, match="stream"):
            await sdk.chat.completions.create(model="fast", messages=[])


async def test_many_streams_keep_their_rate_together(upstream: Upstream) -> None:
    started = time.monotonic()
    bodies = await asyncio.gather(*(body_of(upstream, f"words-10@20:{number}") for number in range(40)))
    assert all(b'"content":" w9"' in body for body in bodies)
    assert time.monotonic() - started < 0.5 + 4 * SLACK_SECS


def test_the_process_ends_with_a_stream_open() -> None:
    with Upstream.start() as upstream:
        connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=20)
        connection.request("POST", "/v1/chat/completions", json.dumps(request_body("stall-after-1")))
        response = connection.getresponse()
        stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 5
    assert response.status == 200
    connection.close()
