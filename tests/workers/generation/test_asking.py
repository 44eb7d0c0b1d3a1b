"""A program asks another model, with its deadlines and retries."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from pytest_django import Settings

from chat.protocol.output import output_text
from chat.protocol.pieces import CallPart
from chat.responses.model_catalog import DEMO, ModelConfig
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.steps import Steps
from tests.harness.upstream import Upstream, text_of
from tests.harness.waiting import LEAST_SECS, await_until
from tests.workers.background import in_time
from tests.workers.logs import text
from tests.workers.programs import samples
from tests.workers.targets import KEY_ENV, assign, error_code, final
from workers.generation.asking import delegate
from workers.generation.attempts import Attempts
from workers.programs import Ask
from workers.providers.base import Chunk, ProviderError
from workers.providers.openai_compatible import Provider

HELLO = [{"role": "user", "content": "hello"}]
ASKING = ModelConfig("asking", program=f"{samples.__name__}:asking")


@pytest.fixture
def server(upstream: Upstream, settings: Settings, tmp_path: Path) -> Upstream:
    """The scripted upstream as the model `server` of the catalog, and as the impatient one."""
    entry = '[[models]]\nname = "{}"\nbase_url = "{}"\nkey_env = "{}"\nupstream_model = "m"\n'
    deadlines = "[models.deadlines]\nfirst_token = 2\nbetween_tokens = 0.3\n"
    file = tmp_path / "models.toml"
    url = upstream.base_url
    file.write_text(
        entry.format("server", url, KEY_ENV) + entry.format("impatient", url, KEY_ENV) + deadlines
    )
    settings.TAILRACE_MODELS = str(file)
    return upstream


async def asked(prompt: str, name: str = "server", **parameters: object) -> list[Chunk]:
    provider, messages = Provider(), [{"role": "user", "content": prompt}]
    try:
        async with aclosing(delegate(provider, name, messages, parameters)) as chunks:
            return [chunk async for chunk in chunks]
    finally:
        await provider.close()


async def test_the_answer_of_another_model_is_passed_on(server: Upstream) -> None:
    prompt = "[words-5] a first delegated question"
    assert "".join(chunk.text for chunk in await asked(prompt)) == text_of(prompt)


async def test_parameters_reach_another_model_and_its_call_is_passed_on(server: Upstream) -> None:
    prompt = "[words-5] a question that demands a call"
    given = Ask(tools=[{"type": "function", "name": "look_up", "parameters": {}}]).tools
    choice = {"type": "function", "name": "look_up"}
    found = await asked(prompt, temperature=0.5, max_output_tokens=7, tools=given, tool_choice=choice)
    calls = [part for chunk in found for part in chunk.parts if isinstance(part, CallPart)]
    assert "".join(call.name for call in calls) == "look_up"
    [record] = server.requests(prompt)
    assert record.body["temperature"] == 0.5
    assert record.body["tools"] == [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    assert record.body["tool_choice"] == {"type": "function", "function": {"name": "look_up"}}
    assert 7 in (record.body.get("max_tokens"), record.body.get("max_completion_tokens"))


async def test_another_model_is_asked_again_before_its_first_text(server: Upstream) -> None:
    prompt = "[words-5+status-500+times-1] a question that is asked twice"
    assert "".join(chunk.text for chunk in await asked(prompt)) == text_of("words-5")
    assert len(server.requests(prompt)) == 2


@pytest.mark.parametrize(
    ("script", "code"),
    [("stall-first", "timeout_first_token"), ("stall-after-5", "timeout_between_tokens")],
)
@pytest.mark.slow
async def test_another_model_has_its_own_deadlines(server: Upstream, script: str, code: str) -> None:
    with pytest.raises(ProviderError) as raised:
        await asked(f"[{script}] an impatient question", "impatient")
    assert (raised.value.code, raised.value.permanent) == (code, True)


@pytest.mark.parametrize("name", ["unknown", DEMO])
async def test_a_program_can_ask_models_with_a_server_only(server: Upstream, name: str) -> None:
    with pytest.raises(ValueError, match=f"no model '{name}' with a server"):
        await asked("hello", name)


async def test_a_whole_answer_passes_through_a_program(
    log: Log, attempts: Attempts, server: Upstream
) -> None:
    outcome = await attempts.run(assign(ASKING))
    assert final(outcome)["status"] == "completed"
    assert output_text(final(outcome)) == await text(log, final(outcome)["id"]) == text_of("fast")
    assert (final(outcome)["usage"] or {})["output_tokens"] == 20


async def test_a_failed_program_keeps_its_text(log: Log, attempts: Attempts) -> None:
    assignment = assign(ModelConfig("failing", program=f"{samples.__name__}:failing"))
    outcome = await attempts.run(assignment)
    assert (final(outcome)["status"], error_code(outcome)) == ("failed", "worker_error")
    assert await text(log, assignment.id) == "as far as here"


async def test_a_program_that_stays_silent_is_ended_by_its_deadline(log: Log, attempts: Attempts) -> None:
    silent = f"{samples.__name__}:silent"
    model = ModelConfig("silent", program=silent)
    object.__setattr__(model.deadlines, "between_tokens", 0.2)
    outcome = await attempts.run(assign(model))
    assert error_code(outcome) == "timeout_between_tokens"
    assert output_text(final(outcome)) == "begun"


async def test_a_step_of_an_earlier_attempt_is_not_done_again(log: Log, attempts: Attempts) -> None:
    samples.counted.clear()
    assignment = assign(ModelConfig("stepping", program=f"{samples.__name__}:stepping"))
    await log.create(assignment.response)
    await Steps(redis_client.client(), assignment.id, lambda: 2).keep("first", "41")
    outcome = await attempts.run(assignment)
    assert output_text(final(outcome)) == "413"
    assert samples.counted == []


async def test_a_program_is_stopped_with_its_response(log: Log, attempts: Attempts) -> None:
    samples.stopped.clear()
    assignment = assign(ModelConfig("endless", program=f"{samples.__name__}:endless"))
    writing = asyncio.create_task(attempts.run(assignment))

    async def has_text() -> bool:
        return bool(await text(log, assignment.id))

    await await_until(has_text, LEAST_SECS, "it writes")
    attempts.cancel(assignment.id)
    outcome = await in_time(writing)
    assert final(outcome)["status"] == "cancelled"
    assert samples.stopped == [assignment.id]
