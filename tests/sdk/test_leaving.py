"""A reader that leaves, returns or asks again, by OpenAI's SDK under both web servers."""

import uuid
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.harness.upstream import text_of
from tests.harness.waiting import wait_until
from tests.sdk.conftest import Api
from tests.sdk.judging import Judge, judged_client

MODEL = "scripted"
WORDS = text_of("words-5")


def prompt(script: str) -> str:
    """A prompt that no other test has."""
    return f"[{script}] {uuid.uuid4().hex}"


def joined(events: list[Any]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def test_a_response_long_ended_is_streamed_from_its_row(client: OpenAI, api: Api) -> None:
    response = client.responses.create(model=MODEL, input=prompt("words-5"))
    api.stack.settled(response.id)
    api.stack.redis("UNLINK", api.stack.log_key(response.id))
    with client.responses.stream(response_id=response.id) as stream:
        assert stream.get_final_response().output_text == WORDS
    last = list(client.responses.retrieve(response.id, stream=True))[-1].sequence_number
    rest = list(client.responses.retrieve(response.id, stream=True, starting_after=last - 1))
    assert [event.type for event in rest] == ["response.completed"]


def test_an_unstored_stream_ends_upstream_when_its_reader_leaves(client: OpenAI, api: Api) -> None:
    asked = prompt("hold-after-2+words-5")
    with client.responses.create(model=MODEL, input=asked, stream=True, store=False) as stream:
        created: Any = next(iter(stream))
        wait_until(lambda: api.stack.upstream.requests(asked), 30, "the model is asked")
    assert api.stack.upstream.wait_for_end(asked).aborted
    assert created.type == "response.created"
    assert api.stack.settled(created.response.id)["status"] == "cancelled"


def test_a_repeated_key_asks_the_model_once(client: OpenAI, api: Api) -> None:
    asked, key = prompt("words-5"), {"Idempotency-Key": uuid.uuid4().hex}
    first = client.responses.create(model=MODEL, input=asked, extra_headers=key)
    again: list[Any] = list(client.responses.create(model=MODEL, input=asked, stream=True, extra_headers=key))
    assert (joined(again), again[0].type, again[0].response.id) == (WORDS, "response.created", first.id)
    assert len(api.stack.upstream.requests(asked)) == 1
    with pytest.raises(openai.UnprocessableEntityError):
        client.responses.create(model=MODEL, input="other", extra_headers=key)


@pytest.fixture
def retrying(api: Api, judge: Judge) -> Iterator[OpenAI]:
    """The SDK with its own retries."""
    with judged_client(api.base_url, api.key, judge, max_retries=2) as client:
        yield client


def test_the_sdk_repeats_no_request_that_cannot_succeed(retrying: OpenAI, api: Api) -> None:
    asked = prompt("cut-after-2")
    with pytest.raises(openai.InternalServerError):
        retrying.responses.create(model="scripted-impatient", input=asked)
    assert len(api.stack.upstream.requests(asked)) == 1


def test_a_stored_answer_continues_without_its_reader(client: OpenAI, api: Api) -> None:
    asked = prompt("hold-after-2+words-5")
    events: list[Any] = []
    with client.responses.create(model=MODEL, input=asked, stream=True) as stream:
        while len(joined(events).split()) < 2:
            events.append(next(stream))
    api.stack.upstream.release(asked)
    response_id = events[0].response.id
    assert api.stack.settled(response_id)["status"] == "completed"
    last = events[-1].sequence_number
    events += client.responses.retrieve(response_id, stream=True, starting_after=last)
    assert joined(events) == WORDS
    assert [event.sequence_number for event in events] == list(range(len(events)))
