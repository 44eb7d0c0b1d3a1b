"""Format the findings."""

import json
from collections.abc import Sequence

from project.doctor.finding import Finding, State, counts

COLOURS = {State.OK: 32, State.WARNING: 33, State.ERROR: 31}  # ANSI
STATE_CHARS = max(map(len, State))


def text(findings: Sequence[Finding], *, colour: bool) -> str:
    """Aligned lines, then the counts."""
    what_chars = max((len(finding.what) for finding in findings), default=0)
    lines = [_line(finding, what_chars, colour=colour) for finding in findings]
    return "\n".join([*lines, "", _total(findings)])


def machine_text(findings: Sequence[Finding]) -> str:
    """Return JSON; `ok` is true without errors."""
    counted = counts(findings)
    rows = [
        {"state": each.state, "what": each.what, "found": each.found, "remedy": each.remedy}
        for each in findings
    ]
    return json.dumps({"ok": not counted[State.ERROR], "counts": counted, "findings": rows}, indent=2)


def _line(finding: Finding, what_chars: int, *, colour: bool) -> str:
    state = f"{finding.state:<{STATE_CHARS}}"
    if colour:
        state = f"\x1b[{COLOURS[finding.state]}m{state}\x1b[0m"
    remedy = f" → {_plain(finding.remedy)}" if finding.remedy else ""
    return f"{state}  {_plain(finding.what):<{what_chars}}  {_plain(finding.found)}{remedy}"


def _plain(part: str) -> str:
    """Replace control characters in names from outside."""
    return "".join(char if char.isprintable() else "�" for char in part)


def _total(findings: Sequence[Finding]) -> str:
    counted = counts(findings)
    plural = {state: f"{state}s" if counted[state] != 1 else str(state) for state in State} | {State.OK: "ok"}
    return ", ".join(f"{counted[state]} {plural[state]}" for state in State)
