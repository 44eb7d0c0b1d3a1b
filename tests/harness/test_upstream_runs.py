"""The scripted upstream's Responses API, as OpenAI's own SDK reads it: each event, runs, their records."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.harness.upstream import Upstream, text_of

pytestmark = pytest.mark.slow

RICH = "[reasoning-3+search+words-5+call-2]"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream.start() as running:
        yield running


@pytest.fixture
async def client(upstream: Upstream) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=upstream.base_url, api_key="a key", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


async def events_of(client: AsyncOpenAI, prompt: str, **fields: Any) -> list[Any]:
    asked: Any = [{"role": "user", "content": prompt}]
    stream: Any = await client.responses.create(model="scripted", input=asked, stream=True, **fields)
    return [event async for event in stream]


async def test_the_sdk_takes_every_event(client: AsyncOpenAI) -> None:
    events = await events_of(client, f"{RICH} every event")
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = {event.type.removeprefix("response.") for event in events}
    assert kinds >= {"reasoning_summary_text.delta", "web_search_call.searching", "output_text.delta"}
    assert kinds >= {"function_call_arguments.done", "completed"}
    final = events[-1].response
    assert final.output_text == text_of("words-5")
    assert [item.type for item in final.output] == [
        "reasoning",
        "web_search_call",
        "message",
        "function_call",
        "function_call",
    ]


async def test_a_run_in_background_continues_without_a_connection(
    client: AsyncOpenAI, upstream: Upstream
) -> None:
    prompt = "[words-40+drop-after-5@200] continues"
    with pytest.raises(openai.APIConnectionError):
        await events_of(client, prompt, background=True)
    (record,) = upstream.requests(prompt)
    rest = [e async for e in await client.responses.retrieve(record.id, stream=True, starting_after=5)]
    assert rest[0].sequence_number == 6
    assert rest[-1].type == "response.completed"
    assert (await client.responses.retrieve(record.id)).output_text == text_of(prompt)
    assert [each.kind for each in upstream.requests(prompt)] == ["create", "attach", "retrieve"]


async def test_a_cancelled_run_stops(client: AsyncOpenAI, upstream: Upstream) -> None:
    prompt = "[words-400+drop-after-5@20] cancelled"
    with pytest.raises(openai.APIConnectionError):
        await events_of(client, prompt, background=True)
    run = upstream.requests(prompt)[0].id
    assert (await client.responses.cancel(run)).status == "cancelled"
    assert upstream.requests(prompt)[0].aborted


async def test_a_forgotten_run_is_not_found(client: AsyncOpenAI, upstream: Upstream) -> None:
    prompt = "[fast] forgotten"
    run = (await events_of(client, prompt, background=True))[0].response.id
    upstream.forget_runs(prompt)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(run)


async def test_an_answer_that_is_not_in_background_ends_with_its_connection(
    client: AsyncOpenAI, upstream: Upstream
) -> None:
    prompt = "[words-40+drop-after-5@20] ends"
    with pytest.raises(openai.APIConnectionError):
        await events_of(client, prompt)
    assert upstream.wait_for_end(prompt).chunks == 5
