"""Programs read by OpenAI's SDK while parts die: no event is lost or doubled, no answer ends with a part."""

import signal
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.faults.harness import Harness
from tests.harness.stack import Stack
from tests.harness.upstream import text_of
from tests.harness.waiting import deadline, wait_until
from tests.sdk.judging import Judge, judged_client

MODEL = "scripted"
BEGUN = 5  # words


class Reading(threading.Thread):
    """A stream that is read in the background: its events, and the error that ended it."""

    def __init__(self, stream: Any) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.events: list[Any] = []
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        """Read to the end."""
        try:
            for event in self._stream:
                self.events.append(event)
        except Exception as error:  # noqa: BLE001 - compared by the test
            self.error = error

    @property
    def text(self) -> str:
        return joined(self.events)

    @property
    def response_id(self) -> str:
        return str(self.events[0].response.id)

    def begin(self) -> "Reading":
        """Wait for some words."""
        wait_until(lambda: len(self.text.split()) >= BEGUN, 30, "the answer has begun")
        return self

    def end(self) -> "Reading":
        """Wait for the end of the stream."""
        self.join(deadline())
        assert not self.is_alive()
        return self


def joined(events: list[Any]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def numbers(events: list[Any]) -> list[int]:
    return [event.sequence_number for event in events]


@pytest.fixture(scope="module")
def key(harness: Harness) -> str:
    """The key of a program."""
    return harness.stack.new_key("tests/faults/test_api.py")


@pytest.fixture
def client(key: str, own: Stack, judge: Judge) -> Iterator[OpenAI]:
    """The SDK, which repeats nothing by itself."""
    with judged_client(f"{own.url}/v1", key, judge, timeout=deadline()) as client:
        yield client


def asking(client: OpenAI, prompt: str, **fields: Any) -> Reading:
    return Reading(client.responses.create(model=MODEL, input=prompt, stream=True, **fields))


def test_the_helper_reads_an_answer_whose_worker_was_killed_to_its_right_end(
    client: OpenAI, harness: Harness
) -> None:
    prompt = "[words-60+hold-after-50+times-1@20] killed, read by the helper"
    with client.responses.stream(model=MODEL, input=prompt) as stream:
        reading = Reading(stream).begin()
        harness.kill_holder(reading.response_id)
        reading.end()
        assert reading.error is None
        assert stream.get_final_response().output_text == text_of("words-60")
    assert numbers(reading.events) == sorted(set(numbers(reading.events)))
    whole = list(client.responses.retrieve(reading.response_id, stream=True))
    assert joined(whole) == text_of("words-60")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda how: how.name)
def test_a_program_resumes_at_another_web_process_and_misses_nothing(
    client: OpenAI, harness: Harness, how: signal.Signals
) -> None:
    prompt = f"[words-60+hold-after-50@10] the web process gets {how.name}"
    reading = asking(client, prompt).begin()
    unstored = asking(client, f"{prompt}, unstored", store=False).begin()
    harness.stack.processes["web"].stop(how)
    assert all(each.end().error is not None for each in (reading, unstored)), "no stream seems whole"
    for each in (prompt, f"{prompt}, unstored"):
        harness.stack.upstream.release(each)
    harness.start_web()
    for broken, is_stored in ((reading, True), (unstored, False)):
        last = broken.events[-1].sequence_number
        rest = list(client.responses.retrieve(broken.response_id, stream=True, starting_after=last))
        events = broken.events + rest
        assert numbers(events) == list(range(len(events)))
        assert joined(events) == text_of("words-60")
        assert events[-1].response.store is is_stored
    assert len(harness.stack.upstream.requests(prompt)) == 1


def test_a_stopping_web_process_ends_no_answer_of_a_program_that_waits(
    client: OpenAI, harness: Harness
) -> None:
    prompt, key = "[words-20+hold-after-10] waits", {"Idempotency-Key": "waits"}
    refused: list[Exception] = []

    def wait() -> None:
        try:
            client.responses.create(model=MODEL, input=prompt, extra_headers=key)
        except openai.APIStatusError as error:
            refused.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_until(lambda: harness.stack.upstream.requests(prompt), 30, "the model is asked")
    harness.stack.processes["web"].stop(signal.SIGTERM)
    waiting.join(deadline())
    harness.start_web()
    (error,) = refused
    assert isinstance(error, openai.InternalServerError)
    assert (error.code, error.response.headers["x-should-retry"]) == ("stopping", "true")
    harness.stack.upstream.release(prompt)
    again = client.responses.create(model=MODEL, input=prompt, extra_headers=key)
    assert again.output_text == text_of("words-20")
    assert len(harness.stack.upstream.requests(prompt)) == 1


def test_a_stream_whose_log_is_lost_says_so_and_its_replay_is_whole(client: OpenAI, harness: Harness) -> None:
    prompt = "[words-60+hold-after-50@20] flushed, read by a program"
    reading = asking(client, prompt).begin()
    harness.stack.redis("FLUSHALL")
    harness.stack.upstream.release(prompt)
    reading.end()
    assert reading.error is None
    assert (reading.events[-1].type, reading.events[-1].code) == ("error", "stream_lost")
    assert numbers(reading.events) == sorted(set(numbers(reading.events)))
    wait_until(
        lambda: client.responses.retrieve(reading.response_id).status == "completed", 30, "it has ended"
    )
    with client.responses.stream(response_id=reading.response_id) as stream:
        assert stream.get_final_response().output_text == text_of("words-60")
