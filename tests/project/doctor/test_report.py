import json

from project.doctor import report
from project.doctor.finding import Finding, State, error, ok, warning

FOUND = [
    ok("Redis", "answers"),
    warning("Redis latency", "20.0 ms", "Bring it nearer."),
    error("workers", "none", "Start one."),
]


def test_the_lines_are_aligned_and_end_with_the_counts() -> None:
    assert report.text(FOUND, colour=False).splitlines() == [
        "ok       Redis          answers",
        "warning  Redis latency  20.0 ms → Bring it nearer.",
        "error    workers        none → Start one.",
        "",
        "1 ok, 1 warning, 1 error",
    ]


def test_the_counts_have_a_plural() -> None:
    many = [FOUND[1], FOUND[1]]
    assert report.text(many, colour=False).splitlines()[-1] == "0 ok, 2 warnings, 0 errors"


def test_on_a_terminal_each_state_has_its_colour_and_the_lines_stay_aligned() -> None:
    coloured = report.text(FOUND, colour=True)
    for state, code in {"ok     ": 32, "warning": 33, "error  ": 31}.items():
        assert f"\x1b[{code}m{state}\x1b[0m  " in coloured


def test_control_characters_in_a_name_are_replaced() -> None:
    shown = report.text([Finding(State.OK, "worker \x1b[2J", "pid\r1")], colour=False)
    assert shown.splitlines()[0] == "ok       worker �[2J  pid�1"


def test_machines_read_the_same() -> None:
    shown = json.loads(report.machine_text(FOUND))
    assert shown["ok"] is False
    assert shown["counts"] == {"ok": 1, "warning": 1, "error": 1}
    assert shown["findings"][1] == {
        "state": "warning",
        "what": "Redis latency",
        "found": "20.0 ms",
        "remedy": "Bring it nearer.",
    }
    assert [each["state"] for each in shown["findings"]] == ["ok", "warning", "error"]
    assert json.loads(report.machine_text(FOUND[:2]))["ok"] is True
