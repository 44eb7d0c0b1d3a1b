"""The checker: what a reader saw, the log, the row and what the upstream was asked must tell the same story.

It shares no code with what it checks: it has its own idea of how events add up to a text.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.browserless import TERMINAL, Event
from tests.faults.witness import Witness
from tests.stack import Stack
from tests.upstream.behaviour import text_of
from tests.upstream.record import Record
from tests.waiting import wait_until

SETTLE_SECS = 20  # from the end in the log to the end in the row; a reaper may have to settle it
LEAVE_SECS = 5  # from the end of a response to the end of its last request upstream
KINDS = ("lost", "doubled", "reordered", "stuck", "extra upstream calls")


@dataclass
class Findings:
    """How often each kind of violation was seen, and a sentence for each."""

    counts: Counter[str] = field(default_factory=Counter)
    sentences: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, sentence: str, count: int = 1) -> None:
        """Count a violation."""
        assert kind in KINDS
        if count:
            self.counts[kind] += count
            self.sentences.append(f"{kind}: {sentence}")

    def table(self) -> str:
        """The figures as a table."""
        ended = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        rows = [f"{kind:<22}{self.counts[kind]:>6}" for kind in KINDS]
        return "\n".join([f"{self.statuses.total()} responses: {ended}", *rows, *self.sentences])


@dataclass
class Story:
    """What events add up to."""

    text: str = ""
    status: str = ""

    @classmethod
    def of(cls, events: Iterable[Event]) -> "Story":
        """Fold them in the order in which they came."""
        story = cls()
        for event in events:
            story.take(event)
        return story

    def take(self, event: Event) -> None:
        """Take one event in."""
        if event["type"] == "response.output_text.delta":
            self.text += event["delta"]
        elif event["type"] == "tailrace:restarted":
            self.text = ""
        elif event["type"] == "tailrace:snapshot":
            self.text = said_in(event["response"])
        if "response" in event:
            self.status = event["response"]["status"]


def said_in(response: Event) -> str:
    """The text of a response object's messages."""
    items = [item for item in response["output"] if item["type"] == "message"]
    return "".join(part["text"] for item in items for part in item["content"])


def check(stack: Stack, witnesses: Sequence[Witness], *, calls_per_attempt: int = 1) -> Findings:
    """Compare everything, once it has ended; `calls_per_attempt` is more than 1 if upstreams were cut off."""
    findings = Findings()
    for witness in witnesses:
        if witness.ended_at is None or witness.response_id is None:
            findings.add("stuck", f"the reader of {witness.response_id or witness.prompt} waits for its end")
            continue
        _check_order(witness, findings)
        row = _settled(stack, witness.response_id)
        findings.statuses[row["status"]] += 1
        if row["ended_at"] is None:
            findings.add("stuck", f"the row of {witness.response_id} is {row['status']}")
            continue
        _check_texts(stack, witness, row, findings)
        _check_upstream(stack, witness, row["attempt"] * calls_per_attempt, findings)
    return findings


def _check_order(witness: Witness, findings: Findings) -> None:
    """Every number once, in order, without a hole; only a snapshot may jump."""
    last, seen = -1, set[int]()
    for heard in witness.heard:
        name = f"event {heard.number} of {witness.response_id}"
        if heard.event["type"] == "tailrace:snapshot":
            last, seen = heard.number, set()
            continue
        if heard.number <= last:
            kind = "doubled" if heard.number in seen else "reordered"
            findings.add(kind, f"{name} came after event {last}, on socket {heard.socket}")
        elif heard.number > last + 1:
            findings.add("lost", f"{name} came after event {last}, on socket {heard.socket}")
        seen.add(heard.number)
        last = max(last, heard.number)
    ends = [heard for heard in witness.heard if heard.event["type"] in TERMINAL]
    findings.add("doubled", f"{witness.response_id} has {len(ends)} ends", max(0, len(ends) - 1))


def _settled(stack: Stack, response_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + SETTLE_SECS
    row = stack.row(response_id)
    while row["ended_at"] is None and time.monotonic() < deadline:
        time.sleep(0.1)
        row = stack.row(response_id)
    return row


def _check_texts(stack: Stack, witness: Witness, row: dict[str, Any], findings: Findings) -> None:
    """Screen = log = database, byte for byte, and nothing that the model did not say."""
    screen = Story.of(heard.event for heard in witness.heard)
    log = logged(stack, str(witness.response_id))
    versions = {"the reader": screen, "the row": Story(row["output"], row["status"])}
    if log:
        versions["the log"] = Story.of(log)
        numbers = [event["sequence_number"] for event in log]
        whole = list(range(numbers[0], numbers[0] + len(numbers)))
        findings.add("lost", f"the log of {witness.response_id} has holes", int(numbers != whole))
    end = Story(said_in(witness.final), witness.final["status"])
    for name, version in versions.items():
        if version != end:
            kind = "lost" if len(version.text) <= len(end.text) else "doubled"
            findings.add(kind, f"{name} of {witness.response_id} differs from its end: {version} {end}")
    _check_words(witness, end, findings)


def _check_words(witness: Witness, end: Story, findings: Findings) -> None:
    expected, said = text_of(witness.model).split(" "), end.text.split(" ") if end.text else []
    if end.status == "completed":
        findings.add("lost", f"words of {witness.response_id}", len(set(expected) - set(said)))
    findings.add("doubled", f"words of {witness.response_id}", len(said) - len(set(said)))
    if not text_of(witness.model).startswith(end.text):
        findings.add("reordered", f"the words of {witness.response_id} are not those of the model")


def _check_upstream(stack: Stack, witness: Witness, allowed: int, findings: Findings) -> None:
    def asked() -> list[Record]:
        records = stack.upstream.requests(witness.model)
        return [record for record in records if witness.prompt in (m["content"] for m in record.messages)]

    def all_ended() -> bool:
        return all(record.ended_at for record in asked())

    calls = len(asked())
    findings.add("extra upstream calls", f"{witness.response_id}: {calls}", max(0, calls - allowed))
    try:
        wait_until(all_ended, LEAVE_SECS, "the requests upstream have ended")
    except AssertionError:
        findings.add("extra upstream calls", f"a request of {witness.response_id} goes on after its end")


def logged(stack: Stack, response_id: str) -> list[Event]:
    """The log of a response; empty when it is gone."""
    entries = stack.redis("XRANGE", f"response:{{{response_id}}}:log", "-", "+")
    return [json.loads(fields[b"event"] if isinstance(fields, dict) else fields[1]) for _, fields in entries]
