"""Attempts at a server that keeps its runs: the next attempt continues them, an end cancels them."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chat.protocol.events import Continued, OutputItemAdded, OutputItemDone, Restarted
from chat.protocol.objects import ResponseObject
from chat.protocol.output import output_text
from chat.protocol.pieces import Part
from chat.responses.model_catalog import ModelConfig
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.provider_runs import ProviderRuns
from tests.harness.upstream import Record, Upstream, text_of
from tests.harness.waiting import LEAST_SECS, await_until, patience
from tests.harness.writer import Writer
from tests.workers.background import in_time
from tests.workers.logs import appended, begun, events, queued_response, text
from tests.workers.targets import (
    AFTER_5,
    assign,
    error_code,
    final,
    generating,
    release,
    requests,
    target,
)
from workers.generation.attempt import Assignment, Outcome
from workers.generation.attempts import Attempts
from workers.providers.openai_compatible import Provider
from workers.providers.responses import api as responses_api
from workers.providers.responses.api import Background


@pytest.fixture
async def runs(log: Log) -> ProviderRuns:
    return ProviderRuns(redis_client.client())


# the rest of the words waits for `release`: no run ends before its takeover
HELD = "words-60+hold-after-30@50"


def model_of(upstream: Upstream, behaviour: str, **deadlines: Any) -> ModelConfig:
    return replace(target(upstream, behaviour, **deadlines), api="responses")


def again(asked: Assignment, *, handed_over: bool = False) -> Assignment:
    """The next attempt at the same response."""
    return replace(asked, attempt=asked.attempt + 1, handed_over=handed_over)


async def created(upstream: Upstream, model: ModelConfig) -> list[Record]:
    return [record for record in await requests(upstream, model) if record.kind == "create"]


async def until_text(log: Log, asked: Assignment, beginning: str = AFTER_5) -> None:
    async def has_text() -> bool:
        state = await log.state(asked.id)
        return state is not None and state.attempt == asked.attempt and state.text().startswith(beginning)

    await await_until(has_text, LEAST_SECS, f"the text begins with {beginning}")


async def lost(log: Log, asked: Assignment, beginning: str = AFTER_5) -> None:
    """Write until there is text, in a worker that is then lost: its tasks stop, nothing else happens."""
    async with generating(log) as attempts:
        writing = asyncio.create_task(attempts.run(asked))
        await until_text(log, asked, beginning)
        attempts._running[asked.id]._writing.cancel()  # as no stop does: no client cancels the run
        writing.cancel()
        await asyncio.wait([writing])


async def written(attempts: Attempts, asked: Assignment) -> Outcome:
    return await in_time(asyncio.create_task(attempts.run(asked)))


async def interruptions(log: Log, response: ResponseObject) -> list[str]:
    found = await events(log, response["id"])
    return [event.type for event in found if isinstance(event, Continued | Restarted)]


@pytest.mark.parametrize("handed_over", [False, True])
@pytest.mark.slow
async def test_the_next_attempt_goes_on_in_the_same_run(
    log: Log, attempts: Attempts, runs: ProviderRuns, upstream: Upstream, handed_over: bool
) -> None:
    asked = assign(model_of(upstream, HELD))
    await lost(log, asked)
    await release(upstream, asked)
    outcome = await written(attempts, again(asked, handed_over=handed_over))
    assert output_text(final(outcome)) == await text(log, asked.id) == text_of("words-60")
    assert await interruptions(log, asked.response) == ["tailrace:continued"]
    assert len(await created(upstream, asked.model)) == 1
    assert await runs.all() == {}


@pytest.mark.slow
async def test_a_third_attempt_goes_on_too(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(model_of(upstream, f"reasoning-3+{HELD}"))
    await lost(log, asked)
    second = again(asked)
    await lost(log, second)
    await release(upstream, asked)
    outcome = await written(attempts, again(second))
    assert output_text(final(outcome)) == text_of("words-60")
    assert output_text(final(outcome), "reasoning") == "r0 r1 r2"
    assert len(await created(upstream, asked.model)) == 1


@pytest.mark.slow
async def test_a_search_of_the_server_is_one_item_over_a_takeover(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(model_of(upstream, f"search+{HELD}"))
    await lost(log, asked)
    await release(upstream, asked)
    outcome = await written(attempts, again(asked))
    search, message = final(outcome)["output"]
    assert (search["type"], search["status"]) == ("web_search_call", "completed")
    assert search["id"] == f"ws_{asked.id.removeprefix('resp_')}_0"
    assert search["action"] == {"type": "search", "query": "the weather"}  # type: ignore[typeddict-item]  # of its kind
    assert output_text(final(outcome)) == text_of("words-60")
    of_items = [
        (event.type, event.item["id"])
        for event in await events(log, asked.id)
        if isinstance(event, OutputItemAdded | OutputItemDone)
    ]
    kinds = ("response.output_item.added", "response.output_item.done")
    assert of_items == [(kind, item["id"]) for item in (search, message) for kind in kinds]


async def test_a_run_whose_last_calls_were_logged_is_complete(
    log: Log, attempts: Attempts, runs: ProviderRuns, upstream: Upstream
) -> None:
    """The worker is lost between the last part and the end: nothing is left to generate."""
    asked = assign(model_of(upstream, "words-0+call-2"))
    state = await begun(log, response=asked.response)
    provider, parts = Provider(), list[Part]()
    kept = Background(partial(runs.remember, asked.id, 1, asked.model.name))
    async with aclosing(provider.stream(asked.model, asked.request, kept)) as chunks:
        async for chunk in chunks:
            parts += chunk.parts
    await provider.close()
    await appended(log, Writer(state).add_parts(*parts), asked.id)
    outcome = await written(attempts, again(asked))
    assert final(outcome)["error"] is None
    assert [item["status"] for item in final(outcome)["output"]] == ["completed"] * 2
    assert len(await created(upstream, asked.model)) == 1


@pytest.mark.slow
async def test_the_run_of_a_stale_attempt_is_not_continued(
    log: Log, attempts: Attempts, runs: ProviderRuns, upstream: Upstream
) -> None:
    """Attempt 2 has asked again, and the log has its text; attempt 1 stored its own run later."""
    asked = assign(model_of(upstream, HELD))
    await lost(log, asked)
    stale = (await runs.all())[f"{asked.id}:1"]
    await runs.delete(f"{asked.id}:1")
    second = again(asked)
    await lost(log, second)
    await release(upstream, asked)
    await runs.remember(asked.id, 1, stale.model, stale.run)
    outcome = await written(attempts, again(second))
    assert output_text(final(outcome)) == text_of("words-60")
    assert await interruptions(log, asked.response) == ["tailrace:restarted", "tailrace:continued"]
    assert len(await created(upstream, asked.model)) == 2
    assert [run.run for run in (await runs.all()).values()] == [stale.run], "it is cancelled later"


@pytest.mark.slow
async def test_a_run_whose_log_is_lost_is_read_from_its_beginning(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(model_of(upstream, HELD))
    await lost(log, asked)
    await log.delete(asked.id)
    await release(upstream, asked)
    outcome = await written(attempts, again(asked))
    assert output_text(final(outcome)) == text_of("words-60")
    assert await interruptions(log, asked.response) == ["tailrace:restarted"]
    assert len(await created(upstream, asked.model)) == 1


@pytest.mark.slow
async def test_a_forgotten_run_is_asked_again(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(model_of(upstream, f"times-1+{HELD}"))
    await lost(log, asked)
    await asyncio.to_thread(upstream.forget_runs, asked.model.upstream_model)
    outcome = await written(attempts, again(asked))
    assert output_text(final(outcome)) == text_of("words-60")
    assert await interruptions(log, asked.response) == ["tailrace:restarted"]
    assert len(await created(upstream, asked.model)) == 2


@pytest.mark.slow
async def test_a_failed_run_is_asked_again(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    asked = assign(model_of(upstream, "failed-after-15+times-1@6"))
    await lost(log, asked, "w0")

    async def has_failed() -> bool:
        return all(record.finished for record in await created(upstream, asked.model))

    await await_until(has_failed, LEAST_SECS, "the run has failed")
    outcome = await written(attempts, again(asked))
    assert output_text(final(outcome)) == text_of("fast")
    assert await interruptions(log, asked.response) == ["tailrace:restarted"]


async def test_a_cancelled_response_cancels_its_run(
    log: Log, attempts: Attempts, runs: ProviderRuns, upstream: Upstream
) -> None:
    asked = assign(model_of(upstream, "words-1000@50"))
    writing = asyncio.create_task(attempts.run(asked))
    await until_text(log, asked)
    attempts.cancel(asked.id)
    assert final(await in_time(writing))["status"] == "cancelled"
    assert [record.aborted for record in await created(upstream, asked.model)] == [True]
    assert await runs.all() == {}


@pytest.mark.parametrize(
    ("behaviour", "deadlines", "code"),
    [
        ("hold-after-5", {"between_tokens": 0.3}, "timeout_between_tokens"),
        ("words-1000+bad-json-after-5@50", {}, "upstream_malformed"),
    ],
)
async def test_a_failed_response_cancels_its_run(
    attempts: Attempts, runs: ProviderRuns, upstream: Upstream, behaviour: str, deadlines: Any, code: str
) -> None:
    asked = assign(model_of(upstream, behaviour, **deadlines))
    assert error_code(await written(attempts, asked)) == code
    assert [record.aborted for record in await created(upstream, asked.model)] == [True]
    assert await runs.all() == {}


async def test_a_run_that_cannot_be_cancelled_is_remembered(
    log: Log,
    attempts: Attempts,
    runs: ProviderRuns,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = assign(model_of(upstream, "words-1000@50"))
    writing = asyncio.create_task(attempts.run(asked))
    await until_text(log, asked)
    monkeypatch.setattr(responses_api, "CANCEL_SECS", 0)
    attempts.cancel(asked.id)
    assert final(await in_time(writing))["status"] == "cancelled"
    assert list(await runs.all()) == [f"{asked.id}:1"]


async def test_an_ended_response_leaves_no_run(
    attempts: Attempts, runs: ProviderRuns, upstream: Upstream
) -> None:
    asked = assign(model_of(upstream, "fast"), queued_response())
    assert final(await written(attempts, asked))["status"] == "completed"
    assert await runs.all() == {}
    assert [record.kind for record in await requests(upstream, asked.model)] == ["create"]


async def test_a_run_that_failed_at_once_is_asked_again_within_the_attempt(
    attempts: Attempts, runs: ProviderRuns, upstream: Upstream
) -> None:
    asked = assign(model_of(upstream, "failed-after-0+times-1"))
    assert output_text(final(await written(attempts, asked))) == text_of("fast")
    assert len(await created(upstream, asked.model)) == 2
    assert await runs.all() == {}


@pytest.mark.slow
async def test_a_run_that_fails_after_the_takeover_keeps_the_text(
    log: Log, attempts: Attempts, upstream: Upstream
) -> None:
    asked = assign(model_of(upstream, f"words-90+failed-after-60@{40 / patience():.2f}"))
    await lost(log, asked, "w0")
    outcome = await written(attempts, again(asked))
    assert error_code(outcome) == "upstream_error"
    assert output_text(final(outcome)) == text_of("words-60")
    assert len(await created(upstream, asked.model)) == 1
