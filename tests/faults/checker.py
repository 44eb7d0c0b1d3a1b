"""The checker: compares the events of a client, the log, the row and the upstream's requests.

It shares no code with the product: it folds events into a text in its own way.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from tests.faults.recording_client import RecordingClient
from tests.harness.socket_client import TERMINAL, Event
from tests.harness.stack import Stack
from tests.harness.upstream import text_of
from tests.harness.upstream.record import Record
from tests.harness.waiting import wait_until

SETTLE_SECS = 20  # from the last event to the end in the row; the reaper may have to settle it
KINDS = ("lost", "doubled", "reordered", "stuck", "extra upstream calls")


@dataclass
class Findings:
    """The number of violations of each kind, and a sentence for each violation."""

    counts: Counter[str] = field(default_factory=Counter)
    sentences: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, sentence: str, count: int = 1) -> None:
        """Count a violation."""
        assert kind in KINDS
        if count:
            self.counts[kind] += count
            self.sentences.append(f"{kind}: {sentence}")

    def require(self, **statuses: int) -> None:
        """Fail on any violation, and unless the responses ended with these statuses."""
        assert not self.counts, self.table()
        assert self.statuses == statuses

    def table(self) -> str:
        """The figures as a table."""
        ended = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        rows = [f"{kind:<22}{self.counts[kind]:>6}" for kind in KINDS]
        return "\n".join([f"{self.statuses.total()} responses: {ended}", *rows, *self.sentences])


@dataclass
class Story:
    """The text and the status that events add up to."""

    text: str = ""
    status: str = ""

    @classmethod
    def of(cls, events: Iterable[Event]) -> "Story":
        """Fold events in their order."""
        story = cls()
        for event in events:
            story.apply(event)
        return story

    def apply(self, event: Event) -> None:
        """Apply one event."""
        if event["type"] == "response.output_text.delta":
            self.text += event["delta"]
        elif event["type"] == "tailrace:restarted":
            self.text = ""
        elif event["type"] == "tailrace:snapshot":
            self.text = text_in(event["response"])
        if "response" in event:
            self.status = event["response"]["status"]


def text_in(response: Event) -> str:
    """The text of a response object's messages."""
    items = [item for item in response["output"] if item["type"] == "message"]
    return "".join(part["text"] for item in items for part in item["content"])


@dataclass
class Evidence:
    """One response in its client, its row, its log ([] if expired) and its upstream."""

    client: RecordingClient
    row: dict[str, Any]
    log: list[Event]
    requests: list[Record]

    @classmethod
    def of(cls, stack: Stack, client: RecordingClient) -> "Evidence":
        """Gather it after the client's end; wait for the row and the upstream to end, too."""
        evidence = cls(client, {}, [], [])

        def all_ended() -> bool:
            evidence.row = stack.row(str(client.response_id))
            evidence.requests = stack.upstream.requests(client.prompt)
            return evidence.row["ended_at"] and all(record.ended_at for record in evidence.requests)

        with suppress(AssertionError):  # then the check reports it
            wait_until(all_ended, SETTLE_SECS, "the response ends everywhere")
        evidence.log = logged(stack, str(client.response_id))
        return evidence


def check(
    stack: Stack,
    clients: Iterable[RecordingClient],
    calls_per_attempt: Callable[[RecordingClient], int] = lambda _: 1,
) -> Findings:
    """Compare everything after the ends. An upstream that was cut off may be called more often."""
    findings = Findings()
    gathered: dict[str | None, Evidence] = {}  # thousands of clients may read few responses
    for client in clients:
        if client.ended_at is None:
            name = client.response_id or client.prompt
            findings.add("stuck", f"the client of {name} received nothing after event {client.last}")
        else:
            evidence = gathered.get(client.response_id) or Evidence.of(stack, client)
            gathered[client.response_id] = evidence
            judge(replace(evidence, client=client), findings, calls_per_attempt(client))
    return findings


def judge(evidence: Evidence, findings: Findings, calls_per_attempt: int = 1) -> None:
    """Add the violations of one response."""
    findings.statuses[evidence.row["status"]] += 1
    _judge_order(evidence.client, findings)
    _judge_texts(evidence, findings)
    _judge_upstream(evidence, calls_per_attempt, findings)


def _judge_order(client: RecordingClient, findings: Findings) -> None:
    """Every number once, in order, without a hole; only a snapshot may skip numbers."""
    last, seen = -1, set[int]()
    for received in client.received:
        name = f"event {received.number} of {client.response_id}"
        if received.event["type"] == "tailrace:snapshot":
            last, seen = received.number, set()
            continue
        if received.number <= last:
            kind = "doubled" if received.number in seen else "reordered"
            findings.add(kind, f"{name} came after event {last}, on socket {received.socket}")
        elif received.number > last + 1:
            findings.add("lost", f"{name} came after event {last}, on socket {received.socket}")
        seen.add(received.number)
        last = max(last, received.number)
    ends = sum(received.event["type"] in TERMINAL for received in client.received)
    findings.add("doubled", f"{client.response_id} has {ends} ends", max(0, ends - 1))


def _judge_texts(evidence: Evidence, findings: Findings) -> None:
    """Screen = log = database, byte for byte, and only words of the model."""
    client, row = evidence.client, evidence.row
    if row["ended_at"] is None:
        findings.add("stuck", f"the row of {client.response_id} is {row['status']}")
        return
    end = Story(text_in(client.final), client.final["status"])
    versions = {"the client": Story.of(received.event for received in client.received)}
    versions["the row"] = Story(row["output"], row["status"])
    if evidence.log:
        versions["the log"] = Story.of(evidence.log)
        findings.add("lost", f"events of the log of {client.response_id}", _holes(evidence.log))
    for name, version in versions.items():
        if version != end:
            kind = "lost" if len(version.text) <= len(end.text) else "doubled"
            findings.add(kind, f"{name} of {client.response_id} differs from its end: {version} {end}")
    _judge_words(client, end, findings)


def _holes(log: list[Event]) -> int:
    """Count the gaps between the numbers; a snapshot contains everything before it."""
    return sum(
        later["sequence_number"] != earlier["sequence_number"] + 1 and later["type"] != "tailrace:snapshot"
        for earlier, later in pairwise(log)
    )


def _judge_words(client: RecordingClient, end: Story, findings: Findings) -> None:
    expected, words = text_of(client.prompt).split(" "), end.text.split(" ") if end.text else []
    if end.status == "completed":
        findings.add("lost", f"words of {client.response_id}", len(set(expected) - set(words)))
    findings.add("doubled", f"words of {client.response_id}", len(words) - len(set(words)))
    if not text_of(client.prompt).startswith(end.text):
        findings.add("reordered", f"the words of {client.response_id} are not those of the model")


def _judge_upstream(evidence: Evidence, calls_per_attempt: int, findings: Findings) -> None:
    """No more requests than attempts, and none that continues after the end."""
    calls, allowed = len(evidence.requests), evidence.row["attempt"] * calls_per_attempt
    name = evidence.client.response_id
    findings.add("extra upstream calls", f"{calls} for {name}", max(0, calls - allowed))
    running = sum(record.ended_at is None for record in evidence.requests)
    findings.add("extra upstream calls", f"{running} of {name} go on after its end", running)


def logged(stack: Stack, response_id: str) -> list[Event]:
    """Return the log of a response; empty if it has expired."""
    entries = stack.redis("XRANGE", stack.log_key(response_id), "-", "+")
    return [json.loads(fields[b"event"] if isinstance(fields, dict) else fields[1]) for _, fields in entries]
