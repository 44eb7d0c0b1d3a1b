"""The provider against a real server: its text becomes chunks, its failures become codes."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from chat.protocol.errors import FAILURES
from chat.protocol.pieces import joined
from chat.responses.model_catalog import ModelConfig
from project.up import ports
from tests.harness.upstream import Upstream, text_of
from tests.harness.waiting import LEAST_SECS, await_until, deadline
from tests.workers.gateway import ANSWER, gateway, reply
from tests.workers.providers.dialects import DIALECTS
from tests.workers.targets import AFTER_5, KEY_ENV, record_of, requests, target, unaccepting
from workers.providers.base import Chunk, ProviderError
from workers.providers.completion import Reader
from workers.providers.exchange import connection
from workers.providers.exchange.reading import chunks as _chunks
from workers.providers.framing import MAX_EVENT_BYTES, Framing
from workers.providers.openai_compatible import Provider
from workers.providers.request import Request

PROMPT = [{"role": "user", "content": "say something now"}]
ASKED = Request(PROMPT)

KEEP_ALIVES = (
    b": ping\n\n\nevent: ping\n\ndata:\n\ndata\n\ndata: {}\n\n"
    b'data: {"choices":[]}\n\ndata: {"choices":[{"index":0,"delta":{}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"usage":null}\n\n'
)
LIST = b'{"data":[{"id":"m"}]}'
STREAM = """data: {"id":"1","choices":[{"index":0,"delta":{"reasoning_content":"r0"}}]}

data: {"id":"1","choices":[{"index":0,"delta":{"content":"w0 "}}]}

data: {"id":"1","choices":[{"index":0,"delta":{"content":"水"},"finish_reason":"stop"}]}

data: {"id":"1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4}}

data: [DONE]

""".encode()


async def answer_of(provider: Provider, model: ModelConfig, request: Request = ASKED) -> Chunk:
    """Return the whole answer as one chunk."""
    whole = Chunk()
    async for chunk in provider.stream(model, request):
        add(whole, chunk)
    return whole


async def said_before_error(provider: Provider, model: ModelConfig) -> tuple[Chunk, ProviderError | None]:
    """Return the text before the answer broke off, and the error."""
    whole = Chunk()
    try:
        async for chunk in provider.stream(model, ASKED):
            add(whole, chunk)
    except ProviderError as error:
        return whole, error
    return whole, None


def add(whole: Chunk, chunk: Chunk) -> None:
    whole.parts = list(joined([*whole.parts, *chunk.parts]))
    whole.finish = whole.finish or chunk.finish
    whole.usage = whole.usage or chunk.usage


# text and usage


async def test_text_and_finish_are_those_of_the_server(provider: Provider, upstream: Upstream) -> None:
    whole = await answer_of(provider, target(upstream, "words-50"))
    assert (whole.text, whole.reasoning, whole.finish) == (text_of("words-50"), "", "stop")


async def test_text_arrives_while_the_server_streams(provider: Provider, upstream: Upstream) -> None:
    async with aclosing(provider.stream(target(upstream, "stall-after-5"), ASKED)) as chunks:
        text = ""
        async with asyncio.timeout(deadline()):
            while text != AFTER_5:
                text += (await anext(chunks)).text


async def test_reasoning_is_separate_from_the_text(provider: Provider, upstream: Upstream) -> None:
    whole = await answer_of(provider, target(upstream, "reasoning-3+words-2"))
    assert (whole.reasoning, whole.text) == ("r0 r1 r2", "w0 w1")


async def test_usage_has_the_form_of_the_responses_api(provider: Provider, upstream: Upstream) -> None:
    whole = await answer_of(provider, target(upstream, "reasoning-3+words-2"))
    assert whole.usage == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 8,
    }


async def test_a_server_may_send_no_usage(provider: Provider, upstream: Upstream) -> None:
    whole = await answer_of(provider, target(upstream, "no-usage"))
    assert (whole.usage, whole.finish) == (None, "stop")


async def test_an_answer_at_its_limit_finishes_with_length(provider: Provider, upstream: Upstream) -> None:
    assert (await answer_of(provider, target(upstream, "length-7"))).finish == "length"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("content_filter", "content_filter"),
        ("length", "length"),
        ("tool_calls", "stop"),
        ("MAX_TOKENS", "length"),
    ],
)
async def test_every_finish_reason_is_translated(reason: str, finish: str) -> None:
    [chunk] = [
        c async for c in chunks_of(b'data: {"choices":[{"finish_reason":"%s"}]}\n\n' % reason.encode())
    ]
    assert chunk.finish == finish


@pytest.mark.parametrize(
    ("mark", "other"),
    [
        (b"", b""),
        (b"\n", b"\r\n"),
        (b"data: ", b"data:"),
        (b',"choices"', b',\ndata: "choices"'),
        (b'data: {"id"', KEEP_ALIVES + b'data: {"id"'),
    ],
    ids=["OpenAI's", "crlf", "no space", "many lines", "keep-alives"],
)
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["", "bom"])
async def test_the_form_of_the_stream_does_not_matter(mark: bytes, other: bytes, bom: bytes) -> None:
    whole = Chunk()
    async for chunk in chunks_of(bom + STREAM.replace(mark, other)):
        add(whole, chunk)
    assert (whole.text, whole.reasoning, whole.finish) == ("w0 水", "r0", "stop")
    assert whole.usage is not None


async def test_the_answer_ends_at_done(provider: Provider, upstream: Upstream) -> None:
    model = target(upstream, "stall-done")
    async with asyncio.timeout(deadline()):
        whole = await answer_of(provider, model)
    assert (whole.text, whole.finish) == (text_of("fast"), "stop")
    assert (await record_of(upstream, model)).aborted


async def test_characters_that_arrive_in_two_reads_are_whole(provider: Provider, upstream: Upstream) -> None:
    assert (await answer_of(provider, target(upstream, "split-utf8"))).text == text_of("split-utf8")


async def test_text_that_cannot_be_stored_is_replaced() -> None:
    whole, texts = Chunk(), (rb"nul\u0000 ", rb"lone\ud800 ", rb"pair\ud83d", rb"\ude00 end\ud83d")
    pieces = [b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text for text in texts]
    async for chunk in chunks_of(*pieces, b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'):
        add(whole, chunk)
    assert whole.text == (
        "nul\N{REPLACEMENT CHARACTER} lone\N{REPLACEMENT CHARACTER} pair\N{GRINNING FACE} end"
        "\N{REPLACEMENT CHARACTER}"
    )
    whole.text.encode()


@pytest.mark.parametrize(
    "name", ["type-none", "gzip", "utf-16", "completion-indented", "ollama-native", "html"]
)
async def test_a_dialect_is_read_over_http(provider: Provider, upstream: Upstream, name: str) -> None:
    dialect = DIALECTS[name]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "".join(f"{name}: {value}\r\n" for name, value in dialect.all_headers.items())
        writer.write(
            f"HTTP/1.1 {dialect.status} OK\r\n{head}Connection: close\r\n\r\n".encode() + dialect.body
        )
        writer.close()

    async with await asyncio.start_server(answer, ports.HOST) as server, asyncio.timeout(deadline()):
        base_url = f"http://{ports.HOST}:{server.sockets[0].getsockname()[1]}/v1"
        whole, error = await said_before_error(provider, replace(target(upstream, "fast"), base_url=base_url))
    assert (whole.text, error and error.code) == (dialect.text, dialect.code)


# faults


@pytest.mark.parametrize(
    ("behaviour", "code", "permanent"),
    [
        ("status-400", "upstream_rejected", True),
        ("status-401", "upstream_unauthorized", True),
        ("status-403", "upstream_unauthorized", True),
        ("status-402", "upstream_no_credit", True),
        ("status-404", "upstream_wrong_address", True),
        ("status-429", "rate_limit_exceeded", True),
        ("status-500", "upstream_error", False),
        ("status-503", "upstream_error", False),
        ("html", "upstream_wrong_address", True),
        ("huge-line-2", "upstream_malformed", False),
    ],
)
async def test_a_refused_request_has_a_code(
    provider: Provider, upstream: Upstream, behaviour: str, code: str, permanent: bool
) -> None:
    whole, error = await said_before_error(provider, target(upstream, behaviour))
    assert (whole, error) == (Chunk(), ProviderError(code, permanent=permanent))
    assert code in FAILURES


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("cut-after-5", "upstream_cut"),
        ("drop-after-5", "upstream_cut"),
        ("reset-after-5", "upstream_cut"),
        ("bad-json-after-5", "upstream_malformed"),
        ("bad-utf8-after-5", "upstream_malformed"),
        ("error-in-stream-after-5", "upstream_error"),
    ],
)
async def test_an_answer_that_breaks_off_has_a_code_and_the_text_before(
    provider: Provider, upstream: Upstream, behaviour: str, code: str
) -> None:
    whole, error = await said_before_error(provider, target(upstream, behaviour))
    assert (whole.text, error) == (AFTER_5, ProviderError(code))
    assert code in FAILURES


@pytest.mark.parametrize("behaviour", ["drop-after-5", "cut-after-5"])
async def test_unread_text_before_a_break_is_kept(
    provider: Provider, upstream: Upstream, behaviour: str
) -> None:
    model = target(upstream, f"{behaviour}@50")
    chunks = provider.stream(model, ASKED)
    received = (await anext(chunks)).text
    await asyncio.to_thread(upstream.wait_for_end, model.upstream_model)
    code = ""
    try:
        async for chunk in chunks:
            received += chunk.text
    except ProviderError as error:
        code = error.code
    assert (received, code) == (AFTER_5, "upstream_cut")


@pytest.mark.parametrize("cut", [0, 1], ids=["in the same read", "in the next"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (b'data: {"choices":[{"delta":{"content":"bro\n\n', "upstream_malformed"),
        (b"data: 5\n\n", "upstream_malformed"),
        (b'data: {"choices":7}\n\n', "upstream_malformed"),
        (b'data: {"choices":[{"delta":{"content":[5]}}]}\n\n', "upstream_malformed"),
        (b'data: {"choices":[{"delta":{},"finish_reason":["stop"]}]}\n\n', "upstream_malformed"),
        (b'data: {"choices":[{"finish_reason":"abort"}]}\n\n', "upstream_error"),
        (b'data: {"choices":[{"finish_reason":"other"}]}\n\n', "upstream_error"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "upstream_malformed"),
        (b"data: " + b"x" * (MAX_EVENT_BYTES + 1), "upstream_malformed"),
        (b'data: {"error":{"message":"overloaded"}}\n\n', "upstream_error"),
        (b'data: {"object":"error","message":"overloaded","code":500}\n\n', "upstream_error"),
        (b"", "upstream_cut"),
    ],
)
async def test_text_before_a_fault_is_kept(fault: bytes, code: str, cut: int) -> None:
    good = b'data: {"choices":[{"delta":{"content":"kept"}}]}\n\n'
    chunks = chunks_of(good, fault) if cut else chunks_of(good + fault)
    assert (await anext(chunks)).text == "kept"
    with pytest.raises(ProviderError) as raised:
        assert not "".join([chunk.text async for chunk in chunks])
    assert raised.value.code == code


def chunks_of(*pieces: bytes) -> AsyncIterator[Chunk]:
    """Read a body that arrives in these pieces."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return _chunks(body(), Framing(), Reader())


async def test_a_closed_port_is_unreachable(provider: Provider, upstream: Upstream) -> None:
    model = replace(target(upstream, "fast"), base_url=f"http://127.0.0.1:{ports.pick_free()}/v1")
    _, error = await said_before_error(provider, model)
    assert error == ProviderError("upstream_unreachable")


async def test_a_server_that_does_not_accept_connections_times_out(
    provider: Provider, upstream: Upstream
) -> None:
    with unaccepting() as base_url:
        model = replace(target(upstream, "fast", connect=0.2), base_url=base_url)
        async with asyncio.timeout(deadline()):
            _, error = await said_before_error(provider, model)
    assert error == ProviderError("timeout_connect")


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("retry-after-60", ProviderError("rate_limit_exceeded", permanent=True, retry_after=60)),
        ("retry-after-date-60", ProviderError("rate_limit_exceeded", permanent=True, retry_after=60)),
        ("retry-after-ms-1500", ProviderError("rate_limit_exceeded", permanent=True, retry_after=1.5)),
        ("retry-after-60+status-503", ProviderError("upstream_error", retry_after=60)),
        ("retry-after-60+status-400", ProviderError("upstream_rejected", permanent=True)),
    ],
)
async def test_the_provider_does_not_wait_for_retry_after(
    provider: Provider, upstream: Upstream, behaviour: str, expected: ProviderError
) -> None:
    model = target(upstream, behaviour)
    async with asyncio.timeout(deadline()):
        _, error = await said_before_error(provider, model)
    assert error == expected
    await record_of(upstream, model)  # it fails when there were two


async def test_an_error_whose_body_does_not_end_is_left(
    provider: Provider, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 999999999\r\n\r\n{")
        while await reader.read(65536):
            pass
        left.set()
        writer.close()

    monkeypatch.setattr(connection, "REFUSAL_SECS", 0.2)
    async with await asyncio.start_server(answer, ports.HOST) as server, asyncio.timeout(deadline()):
        base_url = f"http://{ports.HOST}:{server.sockets[0].getsockname()[1]}/v1"
        _, error = await said_before_error(provider, replace(target(upstream, "fast"), base_url=base_url))
        await left.wait()
    assert error == ProviderError("rate_limit_exceeded", permanent=True, retry_after=7)


async def test_the_provider_does_not_retry(provider: Provider, upstream: Upstream) -> None:
    model = target(upstream, "status-500+times-1")
    await said_before_error(provider, model)
    await record_of(upstream, model)  # it fails when there were two


# leaving


@pytest.mark.parametrize("behaviour", ["no-reply", "stall-first", "stall-after-5", "words-1000@20"])
async def test_a_cancellation_closes_the_connection(
    provider: Provider, upstream: Upstream, behaviour: str
) -> None:
    model, received = target(upstream, behaviour), Chunk()

    async def listen() -> None:
        async for chunk in provider.stream(model, ASKED):
            add(received, chunk)

    async def under_way() -> bool:
        begins = "" if behaviour in ("no-reply", "stall-first") else AFTER_5
        return bool(await requests(upstream, model)) and received.text.startswith(begins)

    listening = asyncio.create_task(listen())
    await await_until(under_way, LEAST_SECS, "the answer is under way")
    listening.cancel()
    await asyncio.wait([listening], timeout=deadline())
    assert listening.cancelled()
    assert (await record_of(upstream, model)).aborted


async def test_leaving_the_iteration_closes_the_connection(provider: Provider, upstream: Upstream) -> None:
    model = target(upstream, "words-1000@20")
    async with aclosing(provider.stream(model, ASKED)) as chunks:
        await anext(chunks)
    assert (await record_of(upstream, model)).aborted


async def test_a_complete_answer_is_not_aborted(provider: Provider, upstream: Upstream) -> None:
    model = target(upstream, "fast")
    await answer_of(provider, model)
    assert (await record_of(upstream, model)).finished


async def test_leaving_one_answer_does_not_end_another(provider: Provider, upstream: Upstream) -> None:
    staying = asyncio.create_task(answer_of(provider, target(upstream, "words-20@100")))
    async with aclosing(provider.stream(target(upstream, "stall-after-5"), ASKED)) as chunks:
        await anext(chunks)
    assert (await staying).text == text_of("words-20")


# the request


async def test_the_request_carries_the_messages_and_asks_for_usage(
    provider: Provider, upstream: Upstream
) -> None:
    model = target(upstream, "fast")
    await answer_of(provider, model, Request(PROMPT, max_output_tokens=40, temperature=0.0))
    assert (await record_of(upstream, model)).body == {
        "model": model.upstream_model,
        "messages": PROMPT,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 40,
        "temperature": 0.0,
    }


async def test_unset_limits_are_not_sent(provider: Provider, upstream: Upstream) -> None:
    model = target(upstream, "fast")
    await answer_of(provider, model)
    sent = (await record_of(upstream, model)).body.keys()
    assert not sent & {"max_tokens", "max_completion_tokens", "temperature"}


@pytest.mark.parametrize(
    ("of_model", "of_response", "sent"), [(100, 40, 40), (40, 100, 40), (40, None, 40), (None, 40, 40)]
)
async def test_of_two_limits_the_lower_one_is_sent(
    provider: Provider, upstream: Upstream, of_model: int | None, of_response: int | None, sent: int
) -> None:
    model = replace(target(upstream, "fast"), max_output_tokens=of_model)
    await answer_of(provider, model, Request(PROMPT, of_response))
    assert (await record_of(upstream, model)).body["max_tokens"] == sent


async def test_without_a_name_the_first_model_of_the_server_is_asked(
    provider: Provider, upstream: Upstream
) -> None:
    model = replace(target(upstream, ""), upstream_model="")
    asked = Request([{"role": "user", "content": "a prompt without a model"}])
    assert (await answer_of(provider, model, asked)).text == text_of("fast")
    assert upstream.wait_for_end("a prompt without a model").body["model"] == "scripted"


PACKED = gzip.compress(LIST, mtime=0)


@pytest.mark.parametrize(
    ("listed", "error", "asked"),
    [
        (PACKED, None, ["m"]),
        (LIST.decode().encode("utf-16"), None, ["m"]),
        (PACKED[:-20], ProviderError("upstream_malformed"), []),
        (b"\x1f\x8bnot gzip", ProviderError("upstream_malformed"), []),
    ],
    ids=["gzip", "utf-16", "half", "broken"],
)
async def test_a_list_of_models_is_decoded(
    provider: Provider, listed: bytes, error: ProviderError | None, asked: list[str]
) -> None:
    async with gateway(reply(200, listed), ANSWER) as server:
        model = ModelConfig("one", server.base_url, key_env=KEY_ENV)
        assert (await said_before_error(provider, model))[1] == error
    assert [request.body["model"] for request in server.asked[1:]] == asked


async def test_a_server_that_lists_no_models_has_a_wrong_address(
    provider: Provider, upstream: Upstream
) -> None:
    model = replace(target(upstream, ""), upstream_model="", base_url=f"{upstream.base_url}/elsewhere")
    _, error = await said_before_error(provider, model)
    assert error == ProviderError("upstream_wrong_address", permanent=True)


async def test_the_key_is_that_of_the_named_variable(
    provider: Provider, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_KEY", "key-one")
    monkeypatch.setenv("OTHER_KEY", "key-other")
    monkeypatch.setenv("OPENAI_API_KEY", "of somebody else")
    for variable, key in (("ONE_KEY", "key-one"), ("OTHER_KEY", "key-other"), (KEY_ENV, "none")):
        model = replace(target(upstream, "fast"), key_env=variable)
        await answer_of(provider, model)
        assert (await record_of(upstream, model)).key == key


async def test_a_wrong_key_is_unauthorized(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, "wrong")
    with Upstream.start(api_key="right") as locked:
        _, error = await said_before_error(provider, target(locked, "fast"))
    assert error == ProviderError("upstream_unauthorized", permanent=True)
