"""Faults of programs: each answer ends with a stable code and its text so far; other answers are complete."""

import asyncio
import sys
from dataclasses import replace

import pytest

from chat.protocol.output import output_text
from chat.responses.model_catalog import Deadlines, ModelConfig
from chat.transport.event_log import Log
from tests.harness.upstream import Upstream, text_of
from tests.harness.waiting import patience
from tests.workers.background import in_time
from tests.workers.logs import ends, text
from tests.workers.programs import samples
from tests.workers.targets import assign, error_code, final, target, was_left
from workers.generation import deadlines
from workers.generation.attempts import Attempts
from workers.programs.translation import MAX_VALUE_CHARS

HERE = "as far as here"
FAULTS = {
    "failing": ("worker_error", HERE),
    "leaving": ("worker_error", HERE),
    "panicking": ("worker_error", HERE),
    "interrupted": ("worker_error", HERE),
    "closing": ("worker_error", HERE),
    "cancelling_itself": ("worker_error", HERE),
    "confused": ("worker_error", HERE),
    "void": ("worker_error", HERE),
    "raw": ("worker_error", HERE),
    "huge": ("worker_error", HERE),
    "unreachable": ("upstream_unreachable", HERE),
    "silent": ("timeout_between_tokens", "begun"),
    "failing_in_the_end": ("timeout_between_tokens", HERE),
    "missing": ("program_unusable", ""),
    "no_yield": ("program_unusable", ""),
}


def program(name: str, **secs: float) -> ModelConfig:
    place = f"{samples.__name__}:{name}"
    return ModelConfig(name, program=place, deadlines=Deadlines(**secs))


def faulty(name: str) -> ModelConfig:
    is_met = FAULTS[name][0] == "timeout_between_tokens"  # a busy machine may let the others pause, too
    return program(name, between_tokens=0.5 if is_met else 600)


@pytest.mark.slow
async def test_faults_end_their_own_answers_alone(log: Log, attempts: Attempts, upstream: Upstream) -> None:
    other = assign(target(upstream, "words-40@20"))
    undisturbed = asyncio.create_task(attempts.run(other))
    assignments = {name: assign(faulty(name)) for name in FAULTS}
    outcomes = await asyncio.gather(*map(attempts.run, assignments.values()))
    for (name, asked), outcome in zip(assignments.items(), outcomes, strict=True):
        assert (name, error_code(outcome), output_text(final(outcome))) == (name, *FAULTS[name])
        assert (name, await text(log, asked.id)) == (name, FAULTS[name][1])
        assert [end.type for end in await ends(log, asked.id)] == ["response.failed"]
    outcome = await in_time(undisturbed)
    assert final(outcome)["status"] == "completed"
    assert output_text(final(outcome)) == await text(log, other.id) == text_of("words-40")
    assert attempts.running == []


@pytest.mark.parametrize("name", ["endless", "pressing"])
@pytest.mark.slow
async def test_a_program_that_never_ends_has_a_deadline(
    log: Log, attempts: Attempts, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(deadlines, "MAX_CHARS", sys.maxsize)  # else the pressing one might reach it first
    asked = assign(program(name, total=0.5 * patience()))
    outcome = await in_time(asyncio.create_task(attempts.run(asked)))
    assert error_code(outcome) == "timeout_total"
    kept = output_text(final(outcome))
    assert kept == await text(log, asked.id) != ""


async def test_a_program_that_is_faster_than_any_deadline_has_a_bound(
    log: Log, attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "MAX_CHARS", 10_000)
    asked = assign(program("pressing"))
    outcome = await in_time(asyncio.create_task(attempts.run(asked)))
    assert final(outcome).get("incomplete_details") == {"reason": "max_output_tokens"}
    kept = output_text(final(outcome))
    assert kept == await text(log, asked.id)
    assert 10_000 <= len(kept) <= 2 * MAX_VALUE_CHARS


async def test_an_answer_of_a_server_has_the_same_bound(
    log: Log, attempts: Attempts, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "MAX_CHARS", 30)
    asked = assign(target(upstream, "words-1000@50"))
    outcome = await in_time(asyncio.create_task(attempts.run(asked)))
    assert final(outcome).get("incomplete_details") == {"reason": "max_output_tokens"}
    assert await was_left(upstream, asked.model)


async def test_unstorable_text_is_replaced_and_the_answer_complete(log: Log, attempts: Attempts) -> None:
    asked = assign(replace(program("unstorable")))
    outcome = await attempts.run(asked)
    lost = "\N{REPLACEMENT CHARACTER}"
    message, call = final(outcome)["output"]
    assert final(outcome)["status"] == "completed"
    assert output_text(final(outcome)) == f"a{lost}b{lost}" == await text(log, asked.id)
    assert (message["status"], call["name"], call["arguments"]) == (
        "completed",
        f"f{lost}",
        '{"a": "\\ud800"}',
    )
