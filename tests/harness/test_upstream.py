"""The scripted upstream: its grammar, each part as a client sees it, its records."""

import asyncio
import base64
import http.client
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from bench.tokens import TokenReader
from tests.harness.upstream import Upstream, text_of
from tests.harness.upstream.digests import digest_of
from tests.harness.upstream.frames import CANARY
from tests.harness.upstream.script import BadScriptError, Script, parse, read
from tests.harness.upstream.servers import EMBEDDING
from tests.harness.waiting import LEAST_SECS, await_until, deadline, end_tasks, patience, within
from tests.workers.providers.dialects import DIALECTS

pytestmark = pytest.mark.slow

SLACK_SECS = 0.35  # of an idle machine
SILENT_SECS = 0.3


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream.start() as running:
        yield running


def body_of(prompt: str, *after: dict[str, str], **fields: Any) -> dict[str, Any]:
    body = {"model": "scripted", "messages": [{"role": "user", "content": prompt}, *after], "stream": True}
    return body | {"stream_options": {"include_usage": True}} | fields


@asynccontextmanager
async def asking(upstream: Upstream, prompt: str, **fields: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    async with posting(f"{upstream.base_url}/chat/completions", body_of(prompt) | fields) as reply:
        yield reply


@asynccontextmanager
async def posting(
    url: str, body: dict[str, Any], headers: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[aiohttp.ClientResponse]:
    timeout = aiohttp.ClientTimeout(total=20)
    async with (
        aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
        session.post(url, json=body, headers={"Authorization": "Bearer a key", **headers}) as reply,
    ):
        yield reply


async def chunks_of(upstream: Upstream, prompt: str, **fields: Any) -> list[Any]:
    """Return the chunks of a good stream."""
    async with asking(upstream, prompt, **fields) as reply:
        *events, done, rest = (await reply.text()).split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(line.removeprefix("data: ")) for line in events]


def words_in(chunks: list[Any], name: str = "content") -> list[str]:
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return [delta[name] for delta in deltas if delta.get(name)]


async def read_until(reply: aiohttp.ClientResponse, last: bytes, count: int = 1) -> bytes:
    """Read until these bytes came so often."""
    data = b""
    while data.count(last) < count:
        data += await reply.content.readany()
    return data


async def assert_silent(reply: aiohttp.ClientResponse) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reply.content.readany(), SILENT_SECS)


def words_sent(data: bytes) -> int:
    return data.count(b'"content":"w') + data.count(b'"content":" w')


# files


async def test_a_prompt_may_have_images_and_files_which_are_recorded_by_their_digests(
    upstream: Upstream,
) -> None:
    def part(data: str) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": data}}

    content = [
        {"type": "text", "text": "[words-3] depths"},
        part(f"data:image/png;base64,{base64.b64encode(b'picture').decode()}"),
        part("data:no data"),
    ]
    messages = [{"role": "user", "content": content}]
    assert words_in(await chunks_of(upstream, "", messages=messages)) == ["w0", " w1", " w2"]
    (record,) = upstream.requests("[words-3] depths")
    assert record.files == [digest_of("image/png", b"picture")]
    assert record.messages[0]["content"][1:] == [part(record.files[0]), part("data:no data")]


# the grammar


def test_a_prompt_selects_what_its_parts_name_and_its_label_is_free() -> None:
    expected = Script(count=50, reasoning=3, rate=2.5, fault="cut", after=5)
    assert read("[reasoning-3+words-50+cut-after-5@2.5] any [label]\n") == (expected, "any [label]\n")
    assert read("How does a mill work?") == (Script(), "How does a mill work?")


@pytest.mark.parametrize(
    "script",
    [
        "",
        "gpt-5",
        "words",
        "words-x",
        "fast@",
        "fast@x",
        "cut-5",
        "Fast",
        "hold-after",
        "refuse-",
        "dialect-x",
    ],
)
def test_a_script_outside_the_grammar_is_refused(script: str) -> None:
    with pytest.raises(BadScriptError):
        parse(script)


# the text


@pytest.mark.parametrize(("part", "reason"), [("words", "stop"), ("length", "length")])
async def test_an_answer_has_openais_chunks(upstream: Upstream, part: str, reason: str) -> None:
    first, *words, finish, usage = await chunks_of(upstream, f"[reasoning-2+{part}-3] two words")
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert words_in(words, "reasoning_content") == ["r0", " r1"]
    assert words_in(words) == ["w0", " w1", " w2"]
    assert finish["choices"][0]["finish_reason"] == reason
    figures = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    assert usage["usage"] == figures | {"completion_tokens_details": {"reasoning_tokens": 2}}


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("How?", ["w0"] + [f" w{number}" for number in range(1, 20)]),
        ("[echo]  two  spaces,\na 水 [x] ", [" two", "  spaces,", "\na", " 水", " [x]", " "]),
        ("[spell] <水 \n", ["<", "水", " ", "\n"]),
        ("[article-3]", ["# ", "How ", "a "]),
        ("[split-utf8+words-3]", ["naïve ", "水車 ", "🌊 "]),
    ],
)
async def test_the_text_is_what_the_script_names(upstream: Upstream, prompt: str, pieces: list[str]) -> None:
    assert words_in(await chunks_of(upstream, prompt)) == pieces
    assert text_of(prompt if prompt.startswith("[") else "fast") == "".join(pieces)


@pytest.mark.parametrize(("script", "options"), [("no-usage", {"include_usage": True}), ("fast", None)])
async def test_usage_is_not_sent_unless_requested(upstream: Upstream, script: str, options: Any) -> None:
    chunks = await chunks_of(upstream, f"[{script}]", stream_options=options)
    assert not any(chunk.get("usage") for chunk in chunks)


async def test_the_words_continue_after_a_prefill(upstream: Upstream) -> None:
    messages = body_of("[words-6]", {"role": "assistant", "content": "w0 w1 w2"})["messages"]
    assert words_in(await chunks_of(upstream, "", messages=messages)) == [" w3", " w4", " w5"]


async def test_the_tokens_of_the_benchmark_are_stamped_when_sent(upstream: Upstream) -> None:
    reader, begun = TokenReader(5), time.monotonic()
    reader.feed("".join(words_in(await chunks_of(upstream, "[stamped-5@50]"))), time.monotonic())
    reader.finish()
    assert begun < reader.sent[0] < reader.sent[0] + 0.07 < reader.sent[-1] < time.monotonic()


async def test_a_models_name_in_brackets_is_the_script(upstream: Upstream) -> None:
    chunks = await chunks_of(upstream, "How does a mill work?", model="[words-2] mill")
    assert words_in(chunks) == ["w0", " w1"]
    assert len(upstream.requests("[words-2] mill")) == 1


async def test_characters_are_split_over_reads(upstream: Upstream) -> None:
    async with asking(upstream, "[split-utf8]") as reply:
        pieces = [piece async for piece in reply.content.iter_any()]
    assert sum(piece.decode(errors="ignore").encode() != piece for piece in pieces) > 10


async def test_many_streams_have_their_wait_and_their_rate_without_drift(upstream: Upstream) -> None:
    begun = time.monotonic()
    with within(1.5 + 2 * SLACK_SECS):
        await asyncio.gather(*(chunks_of(upstream, f"[wait-1+words-20@40] {number}") for number in range(20)))
    assert time.monotonic() - begun >= 1.5 - 0.01


# the faults


@pytest.mark.parametrize(
    ("script", "status", "headers"),
    [
        ("status-404", 404, {}),
        ("retry-after-1", 429, {"Retry-After": "1"}),
        ("retry-after-1+status-503", 503, {"Retry-After": "1"}),
        ("retry-after-ms-90", 429, {"retry-after-ms": "90"}),
    ],
)
async def test_a_refusal_has_a_status_and_perhaps_the_time_to_wait(
    upstream: Upstream, script: str, status: int, headers: dict[str, str]
) -> None:
    async with asking(upstream, f"[{script}] refused") as reply:
        assert (reply.status, (await reply.json())["error"]["code"]) == (status, "refused")
        found = {name: value for name, value in reply.headers.items() if name.lower().startswith("retry")}
    assert found == headers
    assert upstream.wait_for_end(f"[{script}] refused").finished


async def test_the_time_to_wait_can_be_a_date(upstream: Upstream) -> None:
    async with asking(upstream, "[retry-after-date-90]") as reply:
        until = parsedate_to_datetime(reply.headers["Retry-After"]).timestamp()
    assert 80 < until - time.time() <= 90


async def test_a_limited_fault_is_counted_for_each_prompt_until_its_records_are_deleted(
    upstream: Upstream,
) -> None:
    async def status(label: str) -> int:
        async with asking(upstream, f"[status-503+retry-after-1+times-1] {label}") as reply:
            return reply.status

    assert [await status(label) for label in ("one", "other", "one")] == [429, 429, 200]
    one, other = (f"[status-503+retry-after-1+times-1] {label}" for label in ("one", "other"))
    upstream.clear(one)
    assert (upstream.requests(one), len(upstream.requests(other))) == ([], 1)
    assert other in [record.prompt for record in upstream.requests()]
    assert await status("one") == 429


async def test_a_page_has_status_200(upstream: Upstream) -> None:
    async with asking(upstream, "[html]") as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")
        assert (await reply.read()).startswith(b"<!doctype html>")


async def test_without_a_reply_there_are_no_headers(upstream: Upstream) -> None:
    async def ask() -> None:
        async with asking(upstream, "[no-reply]"):
            pass

    waiting = asyncio.create_task(ask())
    await await_until(lambda: bool(upstream.requests("[no-reply]")), LEAST_SECS, "it is asked")
    done, _ = await asyncio.wait([waiting], timeout=SILENT_SECS)
    assert not done
    await end_tasks([waiting])
    assert upstream.wait_for_end("[no-reply]").aborted


@pytest.mark.parametrize(
    ("script", "last"),
    [
        ("stall-first", b""),
        ("stall-after-3", b'" w2"'),
        ("stall-last+words-3", b'"finish_reason":"stop"'),
        ("stall-done+words-3", b"[DONE]\n\n"),
    ],
)
async def test_a_stall_comes_after_its_bytes(upstream: Upstream, script: str, last: bytes) -> None:
    async with asking(upstream, f"[{script}]") as reply:
        data = await read_until(reply, last) if last else b""
        await assert_silent(reply)
    assert (b"[DONE]" in data, b" w3" in data) == (script.startswith("stall-done"), False)


async def test_a_held_answer_continues_after_its_release_and_the_next_is_held(upstream: Upstream) -> None:
    prompt = "[words-7+hold-after-5] held"
    for _ in range(2):
        async with asking(upstream, prompt) as reply:
            assert words_sent(await read_until(reply, b'" w4"')) == 5
            await assert_silent(reply)
            await asyncio.to_thread(upstream.release, prompt)
            assert words_sent(await reply.read()) == 2
    with pytest.raises(AssertionError, match="404"):
        await asyncio.to_thread(upstream.release, "never asked")


async def test_an_answer_released_before_its_hold_is_not_held(upstream: Upstream) -> None:
    async with asking(upstream, "[words-7+hold-after-5@20]") as reply:
        await read_until(reply, b"w0")
        await asyncio.to_thread(upstream.release, "[words-7+hold-after-5@20]")
        assert (await reply.read()).endswith(b"[DONE]\n\n")


@pytest.mark.parametrize("after", [5, 50], ids=["inside the text", "beyond it"])
@pytest.mark.parametrize(
    ("fault", "error", "is_whole"),
    [("cut", None, True), ("drop", None, False), ("reset", ConnectionResetError, False)],
)
async def test_a_broken_stream_ends_after_its_words(
    upstream: Upstream, fault: str, error: type[Exception] | None, is_whole: bool, after: int
) -> None:
    prompt = f"[words-8+{fault}-after-{after}]"
    data, raised = await bytes_until_close(upstream, prompt)
    assert (words_sent(data), raised) == (min(after, 8), error)
    assert data.endswith(b"\r\n0\r\n\r\n") == is_whole
    assert b'"finish_reason":"' not in data
    record = upstream.wait_for_end(prompt)
    assert (record.chunks, record.finished, record.aborted) == (min(after, 8), True, False)


async def bytes_until_close(upstream: Upstream, prompt: str) -> tuple[bytes, type[Exception] | None]:
    """Ask without an HTTP client, which would hide how the connection ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
    body, data = json.dumps(body_of(prompt)).encode(), b""
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    try:
        while not data.endswith(b"\r\n0\r\n\r\n") and (piece := await reader.read(65536)):
            data += piece
    except ConnectionError as error:
        return data, type(error)
    finally:
        writer.close()
    return data, None


@pytest.mark.parametrize("fault", ["bad-json", "bad-utf8"])
async def test_one_event_is_broken_and_the_rest_follows(upstream: Upstream, fault: str) -> None:
    async with asking(upstream, f"[words-6+{fault}-after-3]") as reply:
        *_, w2, broken, w3, _w4, _w5, _finish, _usage, done, _ = (await reply.read()).split(b"\n\n")
    assert b'" w2"' in w2
    assert b'" w3"' in w3
    assert done == b"data: [DONE]"
    with pytest.raises(ValueError, match="Unterminated" if fault == "bad-json" else "utf-8"):
        json.loads(broken.removeprefix(b"data: ").decode())


async def test_an_error_in_the_stream_raises_in_the_sdk(upstream: Upstream) -> None:
    chunks = []
    async with AsyncOpenAI(base_url=upstream.base_url, api_key="any", max_retries=0) as sdk:
        with pytest.raises(openai.APIError, match="scripted upstream fails"):  # noqa: PT012 - it iterates
            async for chunk in await sdk.chat.completions.create(**body_of("[error-in-stream-after-3]")):
                chunks.append(chunk)
    assert len(chunks) == 1 + 3


@pytest.mark.parametrize(
    ("script", "words", "repeated"),
    [
        ("comments-only@50", 0, b": keep-alive\n\n"),
        ("comments-after-3@50", 3, b": keep-alive\n\n"),
        ("empty-after-3@50", 3, b'"content":""'),
    ],
)
async def test_events_without_text_repeat_for_ever(
    upstream: Upstream, script: str, words: int, repeated: bytes
) -> None:
    async with asking(upstream, f"[{script}]") as reply:
        assert words_sent(await read_until(reply, repeated, 6)) == words


async def test_a_huge_line_has_no_end(upstream: Upstream) -> None:
    async with asking(upstream, "[huge-line-2]") as reply:
        data = await reply.read()
    assert (len(data), b"\n" in data) == (2 * 1024 * 1024 + len(b"data: "), False)


# model servers: their bytes, their limits, their addresses


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_dialect_is_played_byte_by_byte(upstream: Upstream, name: str) -> None:
    dialect = DIALECTS[name]
    async with asking(upstream, f"[dialect-{name}]") as reply:
        assert (reply.status, await reply.read()) == (dialect.status, dialect.body)
        assert reply.headers.get("Content-Type") == dialect.content_type
        assert {field: reply.headers[field] for field in dialect.headers} == dialect.headers


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("refuse-max-tokens", 400, "Use 'max_completion_tokens' instead."),
        ("refuse-max-completion-tokens", 400, "Use 'max_tokens' instead."),
        ("refuse-stream-options", 400, "Unrecognized request argument supplied: stream_options"),
        ("forbid-max-tokens", 422, '"loc":["body","max_tokens"]'),
    ],
)
async def test_a_field_is_refused_until_the_request_has_none(
    upstream: Upstream, script: str, status: int, words: str
) -> None:
    prompt, field = f"[{script}+words-1]", script.split("-", 1)[1].replace("-", "_")
    async with asking(upstream, prompt, **{field: 1}) as reply:
        assert reply.status == status
        assert words in (text := await reply.text())
        assert CANARY in text
    without = {name: value for name, value in body_of(prompt).items() if name != field}
    async with posting(f"{upstream.base_url}/chat/completions", without) as reply:
        assert (reply.status, b'"w0"' in await reply.read()) == (200, True)


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("no-credit-402", 402, "Insufficient credits"),
        ("no-credit-429", 429, '"code":"insufficient_quota"'),
        ("too-long-openai", 400, '"code":"context_length_exceeded"'),
        ("room-0", 400, "requested 12288 tokens (8192 in the messages, 4096 in the completion)"),
        ("too-long-llamacpp", 400, '"n_ctx":8192'),
    ],
)
async def test_a_limit_is_refused_in_the_servers_words(
    upstream: Upstream, script: str, status: int, words: str
) -> None:
    async with asking(upstream, f"[{script}]", max_tokens=4096) as reply:
        assert (reply.status, "Retry-After" in reply.headers) == (status, False)
        assert words in (text := await reply.text())
        assert CANARY in text


async def test_an_answer_within_the_room_is_played(upstream: Upstream) -> None:
    async with asking(upstream, "[room-100]", max_tokens=100) as reply:
        assert reply.status == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/chat/completions", 404, '{"detail":"Not Found"}'),
        ("/v1/chat/completions/chat/completions", 404, '{"detail":"Not Found"}'),
        ("/nginx/chat/completions", 404, "<html>"),
        ("/openai/deployments/d/chat/completions", 404, "Resource not found"),
        ("/openai/deployments/d/chat/completions?api-version=1", 401, "Access denied"),
    ],
)
async def test_there_is_no_server_elsewhere(upstream: Upstream, path: str, status: int, words: str) -> None:
    url = upstream.base_url.removesuffix("/v1") + path
    async with posting(url, body_of(path)) as reply:
        assert reply.status == status
        assert words in await reply.text()
    assert upstream.wait_for_end(path).target == path


async def test_azures_server_takes_its_own_key(upstream: Upstream) -> None:
    target = "/openai/deployments/d/chat/completions?api-version=1"
    url = upstream.base_url.removesuffix("/v1") + target
    async with posting(url, body_of("[fast] azure"), {"api-key": "azure's"}) as reply:
        assert reply.status == 200
    [record] = upstream.requests("[fast] azure")
    assert (record.target, record.key) == (target, "azure's")


async def test_a_list_of_models_begins_with_one_that_refuses_to_chat(upstream: Upstream) -> None:
    url = upstream.base_url.replace("/v1", "/embedding/v1")
    async with AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as sdk:
        assert [model.id async for model in sdk.models.list()] == [EMBEDDING, "scripted"]
        with pytest.raises(openai.BadRequestError, match="not a chat model"):
            await sdk.chat.completions.create(**(body_of("[fast]") | {"model": EMBEDDING}))


# the demands of a request

LAKE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "kind": {"enum": ["salt", "fresh"]},
        "depths": {"type": "array", "items": {"$ref": "#/$defs/Depth"}},
        "owner": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "ends": {"type": ["integer", "null"]},
    },
    "$defs": {"Depth": {"type": "object", "properties": {"metres": {"type": "number"}}}},
}
EXAMPLE = {"name": "Lake", "kind": "salt", "depths": [{"metres": 1.5}], "owner": "Lake", "ends": 7}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": LAKE}} for name in ("find", "drain")]


@pytest.mark.parametrize(
    ("choice", "name"),
    [("required", "find"), ({"type": "function", "function": {"name": "drain"}}, "drain")],
)
async def test_a_demanded_call(upstream: Upstream, choice: Any, name: str) -> None:
    chunks = await chunks_of(upstream, "How deep?", tools=TOOLS, tool_choice=choice)
    [call] = [call for each in chunks for call in each["choices"][0]["delta"].get("tool_calls", [])]
    assert call["function"]["name"] == name
    assert json.loads(call["function"]["arguments"]) == EXAMPLE


async def test_a_function_is_called_only_on_demand(upstream: Upstream) -> None:
    chunks = await chunks_of(upstream, "How deep?", tools=TOOLS, tool_choice="auto")
    assert "".join(words_in(chunks)) == text_of("fast")


@pytest.mark.parametrize(
    ("form", "value"),
    [({"type": "json_schema", "json_schema": {"schema": LAKE}}, EXAMPLE), ({"type": "json_object"}, {})],
)
async def test_a_demanded_form(upstream: Upstream, form: Any, value: Any) -> None:
    assert (
        json.loads("".join(words_in(await chunks_of(upstream, "How deep?", response_format=form)))) == value
    )


# the records and the process


async def test_a_request_is_recorded_completely(upstream: Upstream) -> None:
    before = time.time()
    chunks = await chunks_of(upstream, "[words-7] recorded", temperature=0.5)
    record = upstream.wait_for_end("[words-7] recorded")
    assert record.body == body_of("[words-7] recorded", temperature=0.5)
    assert (record.id, record.messages) == (chunks[0]["id"], record.body["messages"])
    assert (record.key, record.chunks, record.finished, record.aborted) == ("a key", 7, True, False)
    assert before <= record.started_at <= (record.ended_at or 0) <= time.time()


@pytest.mark.parametrize("script", ["stall-after-5", "words-50@5", "comments-only", "huge-line-64"])
async def test_a_client_that_disconnects_is_noticed_at_once(upstream: Upstream, script: str) -> None:
    prompt = f"[{script}] left"
    async with asking(upstream, prompt) as reply:
        await reply.content.readany()
        [record] = upstream.requests(prompt)
        assert (record.aborted, record.finished, record.ended_at) == (False, False, None)
        reply.close()
        left_at = time.time()
    record = upstream.wait_for_end(prompt)
    assert record.aborted
    assert (record.ended_at or 0) - left_at < SLACK_SECS * patience()


async def test_the_key_is_required_and_an_unknown_script_is_an_unknown_model() -> None:
    with Upstream.start(api_key="right") as locked:
        async with AsyncOpenAI(base_url=locked.base_url, api_key="wrong", max_retries=0) as sdk:
            for request in (sdk.models.list(), sdk.chat.completions.create(**body_of("[fast]"))):
                with pytest.raises(openai.AuthenticationError):
                    await request
        async with AsyncOpenAI(base_url=locked.base_url, api_key="right", max_retries=0) as sdk:
            assert [model.id async for model in sdk.models.list()] == ["scripted"]
            with pytest.raises(openai.NotFoundError, match="wrods-5"):
                await sdk.chat.completions.create(**body_of("[wrods-5]"))


def test_the_process_ends_with_a_stream_open() -> None:
    with Upstream.start() as upstream:
        connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=deadline())
        connection.request("POST", "/v1/chat/completions", json.dumps(body_of("[stall-after-1]")))
        assert connection.getresponse().status == 200
        stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 5 * patience()
    connection.close()
