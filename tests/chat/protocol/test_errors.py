"""Errors: each code has its status and its sentence, and the client gets nothing else."""

import json
import re

import pytest
from django.conf import settings

from chat.protocol.errors import FAILURES, REFUSALS, CommandError
from chat.responses.remedies import REMEDIES

SOURCES = [path for name in ("chat", "workers") for path in (settings.BASE_DIR / name).rglob("*.py")]


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_has_a_status_a_code_a_sentence_and_the_field(code: str) -> None:
    frame = json.loads(CommandError(code, "a.field").encode())
    status, sentence = REFUSALS[code]
    kind = "server_error" if status >= 500 else "invalid_request_error"
    assert frame == {
        "type": "error",
        "status": status,
        "error": {"type": kind, "code": code, "message": sentence, "param": "a.field"},
    }


def test_a_refusal_repeats_the_stream_id() -> None:
    assert json.loads(CommandError("busy", stream_id='"s"').encode())["stream_id"] == '"s"'
    assert "stream_id" not in json.loads(CommandError("busy").encode())


def test_every_sentence_is_a_sentence() -> None:
    sentences = [*FAILURES.values(), *(sentence for _, sentence in REFUSALS.values()), *REMEDIES.values()]
    assert [each for each in sentences if not re.fullmatch(r"[A-Z][^{}%]+\.", each)] == []


def test_a_status_is_an_http_error() -> None:
    assert {status // 100 for status, _ in REFUSALS.values()} <= {4, 5}


def test_every_failure_has_a_remedy_for_the_person_and_one_for_the_operator() -> None:
    source = (settings.BASE_DIR / "chat/static/chat/sentences/errors.js").read_text()
    assert set(FAILURES) <= set(re.findall(r"^  (\w+): ", source, re.MULTILINE))
    assert list(REMEDIES) == list(FAILURES)


def test_every_refusal_in_the_code_is_a_known_one() -> None:
    used = {code for path in SOURCES for code in re.findall(r'CommandError\(\s*"(\w+)"', path.read_text())}
    assert len(used) > 20
    assert used <= set(REFUSALS)
