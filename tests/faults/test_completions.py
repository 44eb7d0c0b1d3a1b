"""Chat completions read by OpenAI's SDK while their workers die: the text comes once, or an error ends it."""

import threading
from typing import Any

import openai
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk

from chat.api.completions.completion import PREFIX
from tests.faults.harness import Harness
from tests.harness.stack import Stack
from tests.harness.upstream import text_of
from tests.harness.waiting import deadline, wait_until

SAME = "[words-60@20] the same text"
OTHER = "[stamped-60@20] another text"  # of another time
BEGUN = 5  # chunks
READ_SECS = 60


class Reading(threading.Thread):
    """A stream that is read beside the test; `error`: the one that ended it."""

    def __init__(self, client: OpenAI, prompt: str) -> None:
        super().__init__()
        messages: list[Any] = [{"role": "user", "content": prompt}]
        self._stream = client.chat.completions.create(model="scripted", messages=messages, stream=True)
        self.chunks: list[ChatCompletionChunk] = []
        self.error: openai.APIError | None = None
        self.start()

    def run(self) -> None:
        """Read up to the end."""
        try:
            for chunk in self._stream:
                self.chunks.append(chunk)
        except openai.APIError as error:
            self.error = error

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(choice.delta.content or "" for chunk in self.chunks for choice in chunk.choices)

    @property
    def finish_reasons(self) -> list[str]:
        """Those of all chunks that have one."""
        reasons = [choice.finish_reason for chunk in self.chunks for choice in chunk.choices]
        return [reason for reason in reasons if reason]

    def response_id(self) -> str:
        """The id of its response, once it has some text."""
        wait_until(lambda: len(self.chunks) >= BEGUN, READ_SECS, "the stream has begun")
        return self.chunks[0].id.replace(PREFIX, "resp_")


def test_a_worker_that_dies_is_not_seen_unless_the_text_differs(harness: Harness, own: Stack) -> None:
    key = own.new_key("of-completions")
    with OpenAI(base_url=f"{own.url}/v1", api_key=key, max_retries=0, timeout=deadline(READ_SECS)) as client:
        same, other = Reading(client, SAME), Reading(client, OTHER)
        readings = {same.response_id(): same, other.response_id(): other}
        for name in {own.holder(response_id) for response_id in readings}:
            harness.kill_worker(name)
            harness.start_worker()
        for reading in readings.values():
            reading.join(deadline(READ_SECS))
    assert (same.text, same.error, same.finish_reasons) == (text_of(SAME), None, ["stop"])
    assert len(own.upstream.requests(SAME)) == 2
    assert other.error is not None
    assert (other.error.code, other.finish_reasons) == ("worker_lost", [])
    assert own.settled(other.response_id())["status"] == "cancelled"  # its client cannot read the rest
    wait_until(lambda: own.upstream.requests(OTHER)[-1].ended_at, READ_SECS, "the model is stopped")
    assert own.upstream.requests(OTHER)[-1].aborted
