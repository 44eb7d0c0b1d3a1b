"""The checker: what a reader saw, the log, the row and what the upstream was asked must tell the same story.

It shares no code with what it checks: it has its own idea of how events add up to a text.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.faults.recording_client import Witness
from tests.harness.socket_client import TERMINAL, Event
from tests.harness.stack import Stack
from tests.harness.upstream.behaviour import text_of
from tests.harness.upstream.record import Record
from tests.harness.waiting import wait_until

SETTLE_SECS = 20  # from the end on screen to the end in the row; a reaper may have to settle it
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


@dataclass
class Evidence:
    """All that is known of one response: by its reader, its row, its log ([] once gone), its upstream."""

    witness: Witness
    row: dict[str, Any]
    log: list[Event]
    requests: list[Record]

    @classmethod
    def of(cls, stack: Stack, witness: Witness) -> "Evidence":
        """Gather it, once the reader has seen the end; wait for the row and the upstream to end, too."""
        evidence = cls(witness, {}, [], [])

        def all_ended() -> bool:
            evidence.row = stack.row(str(witness.response_id))
            records = stack.upstream.requests(witness.model)
            evidence.requests = [r for r in records if witness.prompt in (m["content"] for m in r.messages)]
            return evidence.row["ended_at"] and all(record.ended_at for record in evidence.requests)

        with suppress(AssertionError):  # the judgement will tell
            wait_until(all_ended, SETTLE_SECS, "the response ends everywhere")
        evidence.log = logged(stack, str(witness.response_id))
        return evidence


def check(
    stack: Stack, witnesses: Iterable[Witness], calls_per_attempt: Callable[[Witness], int] = lambda _: 1
) -> Findings:
    """Compare everything, once it has ended. An upstream that was cut off may be asked more often."""
    findings = Findings()
    for witness in witnesses:
        if witness.ended_at is None:
            name = witness.response_id or witness.prompt
            findings.add("stuck", f"the reader of {name} heard nothing after event {witness.last}")
        else:
            judge(Evidence.of(stack, witness), findings, calls_per_attempt(witness))
    return findings


def judge(evidence: Evidence, findings: Findings, calls_per_attempt: int = 1) -> None:
    """Add what is wrong with one response."""
    findings.statuses[evidence.row["status"]] += 1
    _judge_order(evidence.witness, findings)
    _judge_texts(evidence, findings)
    _judge_upstream(evidence, calls_per_attempt, findings)


def _judge_order(witness: Witness, findings: Findings) -> None:
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
    ends = sum(heard.event["type"] in TERMINAL for heard in witness.heard)
    findings.add("doubled", f"{witness.response_id} has {ends} ends", max(0, ends - 1))


def _judge_texts(evidence: Evidence, findings: Findings) -> None:
    """Screen = log = database, byte for byte, and nothing that the model did not say."""
    witness, row = evidence.witness, evidence.row
    if row["ended_at"] is None:
        findings.add("stuck", f"the row of {witness.response_id} is {row['status']}")
        return
    end = Story(said_in(witness.final), witness.final["status"])
    versions = {"the reader": Story.of(heard.event for heard in witness.heard)}
    versions["the row"] = Story(row["output"], row["status"])
    if evidence.log:
        versions["the log"] = Story.of(evidence.log)
        findings.add("lost", f"events of the log of {witness.response_id}", _holes(evidence.log))
    for name, version in versions.items():
        if version != end:
            kind = "lost" if len(version.text) <= len(end.text) else "doubled"
            findings.add(kind, f"{name} of {witness.response_id} differs from its end: {version} {end}")
    _judge_words(witness, end, findings)


def _holes(log: list[Event]) -> int:
    """How often the numbers do not go on by one; a snapshot tells all that came before it."""
    return sum(
        later["sequence_number"] != earlier["sequence_number"] + 1 and later["type"] != "tailrace:snapshot"
        for earlier, later in pairwise(log)
    )


def _judge_words(witness: Witness, end: Story, findings: Findings) -> None:
    expected, said = text_of(witness.model).split(" "), end.text.split(" ") if end.text else []
    if end.status == "completed":
        findings.add("lost", f"words of {witness.response_id}", len(set(expected) - set(said)))
    findings.add("doubled", f"words of {witness.response_id}", len(said) - len(set(said)))
    if not text_of(witness.model).startswith(end.text):
        findings.add("reordered", f"the words of {witness.response_id} are not those of the model")


def _judge_upstream(evidence: Evidence, calls_per_attempt: int, findings: Findings) -> None:
    """No more requests than attempts, and none that goes on after the end."""
    calls, allowed = len(evidence.requests), evidence.row["attempt"] * calls_per_attempt
    name = evidence.witness.response_id
    findings.add("extra upstream calls", f"{calls} for {name}", max(0, calls - allowed))
    running = sum(record.ended_at is None for record in evidence.requests)
    findings.add("extra upstream calls", f"{running} of {name} go on after its end", running)


def logged(stack: Stack, response_id: str) -> list[Event]:
    """The log of a response; empty when it is gone."""
    entries = stack.redis("XRANGE", f"response:{{{response_id}}}:log", "-", "+")
    return [json.loads(fields[b"event"] if isinstance(fields, dict) else fields[1]) for _, fields in entries]
