"""The checker sees what it is there to see: each kind of violation, planted, is counted under its name."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults import checker
from tests.faults.checker import Evidence, Findings, check, judge
from tests.faults.recording_client import Question, ReceivedEvent, RecordingClient
from tests.harness.socket_client import Event
from tests.harness.stack import Stack
from tests.harness.upstream.record import Record

QUESTION = Question("words-4")
WORDS = ["w0", " w1", " w2", " w3"]
ID = "01890000-0000-7000-8000-000000000001"


def response(status: str, text: str) -> Event:
    output = [{"type": "message", "content": [{"type": "output_text", "text": text}]}]
    return {"id": ID, "status": status, "output": output if text else []}


def answer(words: list[str] | None = None, status: str = "completed") -> list[Event]:
    """The events of an answer, as they should be."""
    words = WORDS if words is None else words
    events: list[Event] = [{"type": "response.created", "response": response("queued", "")}]
    events += [{"type": "response.output_text.delta", "delta": word} for word in words]
    events += [{"type": f"response.{status}", "response": response(status, "".join(words))}]
    return [event | {"sequence_number": number} for number, event in enumerate(events)]


def request() -> Record:
    """A request that has ended."""
    return Record(
        "1", "a prompt", {}, "/v1/chat/completions", "", started_at=0.0, finished=True, ended_at=1.0
    )


def row(**differing: Any) -> dict[str, Any]:
    """The row of the answer, as it should be, but for what differs."""
    return {"output": "w0 w1 w2 w3", "status": "completed", "ended_at": "now", "attempt": 1} | differing


def found(events: list[Event], **differing: Any) -> Findings:
    """The findings for a reader that received these events; all else is well except `differing`."""
    client = RecordingClient("", "", QUESTION, response_id=ID, ended_at=1.0)
    client.received = [ReceivedEvent(event, 1, 0.0) for event in events]
    findings = Findings()
    good: dict[str, Any] = {"row": row(), "log": answer(), "requests": [request()]}
    judge(Evidence(client, **good | differing), findings)
    return findings


def test_a_good_answer_has_no_findings() -> None:
    findings = found(answer())
    findings.require(completed=1)


def test_an_event_that_is_missing_is_lost() -> None:
    events = answer()
    assert found(events[:2] + events[3:]).counts["lost"] >= 1


def test_an_event_that_comes_twice_is_doubled() -> None:
    events = answer()
    assert found([*events[:3], *events[2:]]).counts["doubled"] >= 1


def test_an_event_that_comes_too_late_is_reordered() -> None:
    events = answer()
    assert found([events[0], events[2], events[1], *events[3:]]).counts["reordered"] >= 1


def test_a_second_end_is_doubled() -> None:
    events = answer()
    again = events[-1] | {"sequence_number": len(events)}
    assert found([*events, again]).counts["doubled"] == 1


def test_a_snapshot_may_jump() -> None:
    events = answer()
    snapshot = {
        "type": "tailrace:snapshot",
        "response": response("in_progress", "w0 w1"),
        "sequence_number": 2,
    }
    assert not found([snapshot, *events[3:]]).counts


def test_a_text_that_starts_again_is_the_later_one() -> None:
    events: list[Event] = [*answer()[:3], {"type": "tailrace:restarted"}, *answer()[1:]]
    numbered = [event | {"sequence_number": number} for number, event in enumerate(events)]
    assert not found(numbered).counts


def test_a_reader_without_an_end_is_stuck() -> None:
    client = RecordingClient("", "", QUESTION)
    assert check(object.__new__(Stack), [client]).counts == {"stuck": 1}


def test_a_row_without_an_end_is_stuck() -> None:
    running = row(ended_at=None, status="in_progress")
    assert found(answer(), row=running).counts == {"stuck": 1}


@pytest.mark.parametrize(
    ("differing", "kind"),
    [
        ({"output": "w0 w1 w2"}, "lost"),
        ({"output": "w0 w1 w2 w3 w3"}, "doubled"),
        ({"status": "failed"}, "lost"),
    ],
)
def test_a_row_that_differs_is_seen(differing: dict[str, str], kind: str) -> None:
    assert found(answer(), row=row(**differing)).counts[kind] == 1


def test_a_log_that_differs_or_has_a_hole_is_seen() -> None:
    assert found(answer(), log=answer()[:2] + answer()[3:]).counts["lost"] == 2


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["w0", " w2", " w3"], "lost"),
        ([*WORDS, " w3"], "doubled"),
        (["w1", " w0", " w2", " w3"], "reordered"),
    ],
)
def test_words_that_the_model_did_not_say_so_are_seen(words: list[str], kind: str) -> None:
    assert found(answer(words), row=row(output="".join(words)), log=answer(words)).counts[kind] >= 1


def test_a_second_request_of_one_attempt_is_extra() -> None:
    twice = [request(), request()]
    assert found(answer(), requests=twice).counts == {"extra upstream calls": 1}
    assert not found(answer(), requests=twice, row=row(attempt=2)).counts


def test_a_request_that_outlives_its_response_is_extra() -> None:
    running = replace(request(), ended_at=None)
    assert found(answer(), requests=[running]).counts == {"extra upstream calls": 1}


def test_the_table_names_every_kind() -> None:
    findings = Findings()
    findings.add("lost", "a word")
    table = findings.table()
    assert all(kind in table for kind in checker.KINDS)
    assert "lost: a word" in table
