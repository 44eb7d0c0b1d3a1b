"""A failure upstream ends the response with a stable code, and the text so far is kept."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.protocol.errors import FAILURES
from chat.protocol.events import decode
from chat.protocol.state import ResponseState
from chat.transport import heartbeats
from chat.transport.event_log import key
from tests.harness.skips import skip_without
from tests.harness.socket_client import TERMINAL, cookie, text_of, visiting
from tests.harness.stack import Stack, running
from tests.harness.upstream import text_of as upstream_text
from tests.harness.waiting import patience, wait_until, within
from workers.generation.deadlines import CLOSING_SECS

FIVE_WORDS = "w0 w1 w2 w3 w4"
FEW_BYTES = 8 * 1024 * 1024  # an event may have 1 MiB, and there are a few copies of its bytes


def log_text(stack: Stack, response_id: str) -> str:
    """The text that the log adds up to."""
    entries = stack.redis("XRANGE", key(response_id), "-", "+")
    return ResponseState.fold(decode(fields[b"event"].decode()) for _, fields in entries).text()


def claimed(stack: Stack) -> set[str]:
    """Return the responses in the last heartbeats of the workers."""
    keys = [heartbeats.key(worker_id.decode()) for worker_id in stack.redis("SMEMBERS", heartbeats.index())]
    beats = filter(None, stack.redis("MGET", *keys))
    return {response_id for heartbeat in beats for response_id in json.loads(heartbeat)["running"]}


def output_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] for part in item["content"])


@pytest.mark.parametrize(
    ("script", "code", "text"),
    [
        ("status-401", "upstream_unauthorized", ""),
        ("status-404", "upstream_not_found", ""),
        ("status-402", "upstream_no_credit", ""),
        ("status-429", "rate_limit_exceeded", ""),
        ("retry-after-60", "rate_limit_exceeded", ""),
        ("status-503", "upstream_error", ""),
        ("html", "upstream_wrong_address", ""),
        ("huge-line-2", "upstream_malformed", ""),
        ("cut-after-5", "upstream_cut", FIVE_WORDS),
        ("drop-after-5", "upstream_cut", FIVE_WORDS),
        ("reset-after-5", "upstream_cut", FIVE_WORDS),
        ("bad-json-after-5", "upstream_malformed", FIVE_WORDS),
        ("bad-utf8-after-5", "upstream_malformed", FIVE_WORDS),
        ("error-in-stream-after-5", "upstream_error", FIVE_WORDS),
        ("split-utf8+words-5+cut-after-5", "upstream_cut", upstream_text("split-utf8+words-5")),
        ("stall-first", "timeout_first_token", ""),
        ("comments-only", "timeout_first_token", ""),
        ("stall-after-5", "timeout_between_tokens", FIVE_WORDS),
        ("comments-after-5", "timeout_between_tokens", FIVE_WORDS),
        ("empty-after-5", "timeout_between_tokens", FIVE_WORDS),
    ],
)
async def test_the_response_fails_with_a_code_and_keeps_its_text(
    stack: Stack, script: str, code: str, text: str
) -> None:
    async with visiting(stack.url) as visitor:
        model = "scripted-impatient" if code.startswith("timeout") else "scripted"
        events = await visitor.answer(f"[{script}]", model)
    last, response = events[-1], events[-1]["response"]
    assert (last["type"], response["status"]) == ("response.failed", "failed")
    assert response["error"] == {"code": code, "message": FAILURES[code]}
    assert text_of(events) == output_of(response) == log_text(stack, response["id"]) == text
    row = stack.settled(response["id"])
    assert (row["status"], row["error_code"], row["output"]) == ("failed", code, text)


async def test_an_answer_with_a_finish_reason_is_complete_without_the_servers_close(stack: Stack) -> None:
    async with visiting(stack.url) as visitor:
        with within(CLOSING_SECS * 3):  # not the deadline between tokens
            events = await visitor.answer("[stall-last]")
    assert events[-1]["type"] == "response.completed"
    assert text_of(events) == upstream_text("fast") == stack.settled(events[-1]["response"]["id"])["output"]


async def test_retry_after_is_followed_and_readers_see_the_wait(stack: Stack) -> None:
    prompt = "[retry-after-2+times-1]"
    async with visiting(stack.url) as visitor:
        await visitor.create(prompt)
        events = await visitor.until("tailrace:waiting")
        response_id = events[0]["response"]["id"]
        waiting = events[-1]
        assert (waiting["reason"], waiting["seconds"]) == ("rate_limit_exceeded", 2)
        events += await visitor.until(*TERMINAL)
    assert events[-1]["type"] == "response.completed"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert text_of(events) == upstream_text("fast") == stack.settled(response_id)["output"]
    first, second = stack.upstream.requests(prompt)
    assert first.started_at + 2 <= second.started_at
    assert 0 <= second.started_at - waiting["until"] < patience()  # at that time, not much later


async def test_a_waiting_response_can_be_cancelled_at_once(stack: Stack) -> None:
    prompt = "[retry-after-15] stopped"
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as visitor, visiting(stack.url, session) as other:
        await visitor.create(prompt)
        events = await visitor.until("tailrace:waiting")
        response_id, waiting = events[0]["response"]["id"], events[-1]
        await other.send({"type": "tailrace:subscribe", "response_id": response_id})
        snapshot = await other.next()  # a later subscriber sees it, too
        assert snapshot["waiting"] == {name: waiting[name] for name in ("reason", "seconds", "until")}
        wait_until(lambda: response_id in claimed(stack), 6, "a worker has claimed it")
        with within(3):  # it would wait for 15
            await visitor.send({"type": "tailrace:cancel", "response_id": response_id})
            last = (await visitor.until(*TERMINAL))[-1]
    assert last["response"]["status"] == stack.settled(response_id)["status"] == "cancelled"
    wait_until(lambda: response_id not in claimed(stack), 6, "no worker has it any more")
    assert len(stack.upstream.requests(prompt)) == 1


# a line without end


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Tailrace of the tests' own, with one worker, whose memory is measured."""
    with running(tmp_path_factory.mktemp("alone"), workers=1) as parts:
        yield parts


def peak_bytes(stack: Stack) -> int:
    """Return the peak memory of the worker."""
    status = Path(f"/proc/{stack.processes['worker1'].popen.pid}/status")
    if not status.exists():
        skip_without("/proc (Linux)")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


async def test_a_line_without_end_does_not_fill_the_worker(alone: Stack) -> None:
    async with visiting(alone.url) as visitor:
        await visitor.answer("[huge-line-2]")  # the first answer of a process needs more memory
        before = peak_bytes(alone)
        last = (await visitor.answer("[huge-line-100]"))[-1]
    assert last["response"]["error"]["code"] == "upstream_malformed"
    assert peak_bytes(alone) - before < FEW_BYTES
    requests = alone.upstream.requests("[huge-line-100]")
    assert [request.aborted for request in requests] == [True] * 3  # retried, as there was no text yet
