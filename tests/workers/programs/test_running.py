"""A program runs to its end, to a failure, or until it is stopped."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.protocol.events import JSON
from chat.protocol.pieces import CallPart, Piece, part_text
from chat.responses.model_catalog import ModelConfig
from chat.transport.task_cancellation import cancel
from tests.harness.waiting import await_until, patience, within
from tests.workers.background import in_time
from tests.workers.chunks import chunk_of
from tests.workers.programs import samples
from workers.programs import Ask, buffer, running
from workers.programs.running import stream
from workers.programs.translation import MAX_VALUE_CHARS
from workers.providers.base import Chunk, ProviderError

SECS = 5


def program(name: str) -> ModelConfig:
    return ModelConfig("support", program=f"{samples.__name__}:{name}")


async def chunks(name: str, ask: Ask | None = None) -> list[Chunk]:
    async with aclosing(stream(program(name), ask or Ask(response_id="r1"))) as found:
        return [chunk async for chunk in found]


async def failure(name: str) -> tuple[str, ProviderError]:
    """The text before a failure, and the failure."""
    found: list[Chunk] = []
    with pytest.raises(ProviderError) as raised:
        await in_time(asyncio.create_task(_gather(stream(program(name), Ask(response_id="r1")), found)))
    return "".join(chunk.text for chunk in found), raised.value


async def _gather(each: AsyncGenerator[Chunk, None], found: list[Chunk]) -> None:
    async with aclosing(each):
        async for chunk in each:
            found.append(chunk)


async def test_every_value_is_in_the_chunks_in_its_order() -> None:
    found = await chunks("everything")
    assert [part for chunk in found for part in chunk.parts] == [
        Piece("reasoning", "hm"),
        Piece("text", "ab".replace("b", "\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}")),
        Piece("refusal", "no"),
        CallPart(0, "look_up", "call_1", '{"name": "Ada"}'),
        CallPart(1, "stop", "", "{}"),
    ]
    assert [chunk.usage["total_tokens"] for chunk in found if chunk.usage] == [33]
    assert found[-1] == Chunk(finish="length")


async def test_small_pieces_are_gathered_while_the_reader_waits() -> None:
    found: list[Chunk] = []
    async with aclosing(stream(program("hurried"), Ask())) as each:
        async for chunk in each:
            found.append(chunk)
            await asyncio.sleep(0.01)  # a flush
    assert "".join(chunk.text for chunk in found) == "".join(f"{number} " for number in range(10_000))
    assert len(found) <= 100


async def test_a_program_waits_for_a_reader_that_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer, "MAX_VALUES", 10)
    monkeypatch.setattr(buffer, "TURN_SECS", SECS * patience())  # it waits for its reader alone
    async with aclosing(stream(program("hurried"), Ask())) as each:
        first = await anext(each)
        for _ in range(50):
            await asyncio.sleep(0)
        second = await anext(each)
    assert (len(first.text.split()), len(second.text.split())) == (10, 10)


@pytest.mark.parametrize("name", ["immense", "large_pieces"])
async def test_the_size_of_a_chunk_has_a_bound(name: str) -> None:
    found = await chunks(name)
    texts = [part_text(part) for chunk in found for part in chunk.parts]
    assert max(map(len, texts)) <= buffer.MAX_CHARS + buffer.MAX_PART_CHARS
    assert "".join(texts) == {"immense": "a" * 300_000 + "b" * 300_000}.get(name, "a" * 4_096_000)
    calls = {part.index for chunk in found for part in chunk.parts if isinstance(part, CallPart)}
    assert calls == ({0} if name == "immense" else set())


async def test_a_program_that_computes_between_its_values_lets_the_loop_run() -> None:
    found = await chunks("computing")
    assert [chunk.text for chunk in found] == ["a"] * 10 + [""]


async def test_a_program_that_fails_while_it_stops_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with aclosing(stream(program("failing_in_the_end"), Ask(response_id="r1"))) as each:
        await anext(each)
    [record] = caplog.records
    begin = f"response r1: the program {samples.__name__}:failing_in_the_end failed\n"
    assert record.getMessage().startswith(begin)
    assert not running._running


async def test_a_stopped_program_ends_its_finally() -> None:
    samples.stopped.clear()
    async with aclosing(stream(program("endless"), Ask(response_id="r2"))) as each:
        assert "more" in (await anext(each)).text
    assert samples.stopped == ["r2"]
    assert not running._running


async def test_a_program_that_waits_is_stopped_at_its_await() -> None:
    task = asyncio.create_task(chunks("silent"))
    await await_until(lambda: bool(running._running), SECS, "it runs")
    await asyncio.sleep(0.05)  # it waits
    task.cancel()
    with within(running.STOP_SECS), pytest.raises(asyncio.CancelledError):
        await task
    assert not running._running


async def test_a_program_that_does_not_stop_holds_up_its_answer_for_some_seconds_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running, "STOP_SECS", 0.2)
    samples.waiting.clear()
    async with aclosing(stream(program("stubborn"), Ask(response_id="r1"))) as each:
        await anext(each)
        await await_until(lambda: bool(samples.waiting), SECS, "it waits")
    assert [record.getMessage() for record in caplog.records] == [
        f"response r1: the program {samples.__name__}:stubborn did not stop within 0 s"
    ]
    samples.freed.append(True)
    [task] = running._running
    await cancel([task])
    samples.freed.clear()


@pytest.mark.parametrize("wanted", [False, True])
async def test_an_exception_keeps_the_text_and_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture, settings: Settings, *, wanted: bool
) -> None:
    settings.TAILRACE_LOG_UPSTREAM_ERRORS = wanted
    text, error = await failure("failing")
    assert (text, error.code, error.permanent) == ("as far as here", "worker_error", True)
    [record] = caplog.records
    assert record.getMessage().startswith(f"response r1: the program {samples.__name__}:failing failed\n")
    assert "in failing\n" in caplog.text
    assert ("the manual is lost" in caplog.text) is wanted
    assert "LookupError" in caplog.text


@pytest.mark.parametrize(
    "name",
    [
        "leaving",
        "panicking",
        "cancelling_itself",
        "exhausted",
        "interrupted",
        "closing",
        "stopping_iteration",
    ],
)
async def test_a_program_cannot_end_the_worker(name: str) -> None:
    text, error = await failure(name)
    assert (text, error.code) == ("as far as here", "worker_error")


async def test_a_program_may_fail_with_a_known_code(caplog: pytest.LogCaptureFixture) -> None:
    text, error = await failure("unreachable")
    assert (text, error.code, error.permanent) == ("as far as here", "upstream_unreachable", True)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("name", "described"),
    [
        ("confused", "dict"),
        ("half_confused", "Reasoning(bytes)"),
        ("void", "NoneType"),
        ("raw", "bytes"),
        ("huge", f"a text of {MAX_VALUE_CHARS + 1} characters, {MAX_VALUE_CHARS} at most"),
    ],
)
async def test_another_value_fails_with_one_line_that_names_its_type(
    name: str, described: str, caplog: pytest.LogCaptureFixture
) -> None:
    text, error = await failure(name)
    assert (text, error.code) == ("" if name == "half_confused" else "as far as here", "worker_error")
    [record] = caplog.records
    assert record.getMessage() == f"response r1: the program {samples.__name__}:{name} yielded {described}"
    assert record.exc_info is None
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "place",
    [f"{samples.__name__}:{name}" for name in ("no_generator", "no_yield", "missing")]
    + ["no.module:program"],
)
async def test_an_unusable_program_fails_with_its_code_and_one_line(
    place: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ProviderError) as raised:
        await _gather(stream(ModelConfig("support", program=place), Ask(response_id="r1")), [])
    error = raised.value
    assert (error.code, error.permanent) == ("program_unusable", True)
    [record] = caplog.records
    assert "model support: " in record.getMessage()
    assert (record.levelno, record.exc_info) == (logging.ERROR, None)


async def test_a_program_reads_the_database(transactional_db: None) -> None:
    await User.objects.acreate(username="ada")
    await User.objects.acreate(username="bob")
    found = await chunks("users")
    assert "".join(chunk.text for chunk in found) == "adabob"


async def test_each_answer_has_its_own_thread() -> None:
    found = await asyncio.gather(*(chunks("threads") for _ in range(3)))
    idents = ["".join(chunk.text for chunk in each).split() for each in found]
    assert [len(set(each)) for each in idents] == [1, 1, 1]
    assert len({each[0] for each in idents}) == 3


async def test_no_connection_is_held_between_queries(transactional_db: None) -> None:
    found = await chunks("connected")
    assert "".join(chunk.text for chunk in found) == "None"


# another model


async def test_another_model_is_asked_through_the_same_way() -> None:
    asked: list[tuple[str, list[JSON], JSON]] = []

    async def answer(name: str, messages: list[JSON], parameters: JSON) -> AsyncGenerator[Chunk, None]:
        asked.append((name, messages, parameters))
        yield chunk_of(text="text", reasoning="hm")
        yield Chunk(finish="length", usage=None)

    found = await chunks("asking", Ask(messages=[{"role": "user", "content": "hi"}], ask_model=answer))
    assert asked == [("server", [{"role": "user", "content": "hi"}], {})]
    assert [part for chunk in found for part in chunk.parts] == [
        Piece("reasoning", "hm"),
        Piece("text", "text"),
    ]
    assert found[-1].finish == "length"


async def test_a_failure_of_another_model_is_the_failure_of_the_answer() -> None:
    async def answer(*_: object) -> AsyncGenerator[Chunk, None]:
        yield chunk_of(text="text")
        code = "upstream_cut"
        raise ProviderError(code)

    with pytest.raises(ProviderError) as raised:
        await chunks("asking", Ask(ask_model=answer))
    assert (raised.value.code, raised.value.permanent) == ("upstream_cut", True)


async def test_an_answer_that_is_not_read_to_its_end_is_closed() -> None:
    closed = asyncio.Event()

    async def answer(*_: object) -> AsyncGenerator[Chunk, None]:
        try:
            while True:
                yield chunk_of(text="text")
        finally:
            closed.set()

    async with aclosing(stream(program("asking_in_part"), Ask(ask_model=answer))) as each:
        assert "text" in (await anext(each)).text
    assert closed.is_set()
    samples.kept.clear()


async def test_outside_a_worker_no_model_can_be_asked(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RuntimeError, match="only a worker"):
        await anext(Ask().model("server", []))
