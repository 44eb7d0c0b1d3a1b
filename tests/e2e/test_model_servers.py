"""Servers and configurations of the field, from the server's bytes to the row, the log and the operator."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chat.conf import Conf
from chat.protocol.errors import FAILURES
from chat.protocol.events import decode
from chat.protocol.state import ResponseState
from chat.responses.model_catalog import Deadlines
from chat.responses.remedies import REMEDIES
from chat.transport.event_log import key
from tests.harness.model_servers import (
    FIRST_TOKEN_SECS,
    KEY,
    LEARNING,
    LIMIT,
    LONG_TALK,
    ROWS,
    SILENT,
    Row,
    dialect_row,
    model_servers,
)
from tests.harness.processes import Process, finished
from tests.harness.socket_client import Event, cookie, text_of, visiting
from tests.harness.stack import CELERY, SETTLE_SECS, Stack
from tests.harness.waiting import wait_until, within
from tests.workers.providers.dialects import DIALECTS

LOADING_SECS = 75  # a large model loads, or reasons in silence
FIELDS = ("max_tokens", "max_completion_tokens", "stream_options")  # that servers refuse
SIDE_BY_SIDE = 8
SECRET = "hunter2"  # in keys and addresses that cannot be used


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two workers, the second for one model: what one process learns is counted."""
    with model_servers(tmp_path_factory.mktemp("servers")) as stack:
        yield stack


async def asked(stack: Stack, row: Row) -> list[Event]:
    """Ask a row's question; return the events of its whole response."""
    async with visiting(stack.url) as visitor:
        return await visitor.answer(row.prompt, row.model)


def check_end(stack: Stack, row: Row, events: Sequence[Event]) -> None:
    """The row, the last event, the deltas and the log agree with the expected end."""
    response = events[-1]["response"]
    stored = stack.settled(response["id"])
    names = ("status", "error_code", "incomplete_reason", "output", "reasoning")
    expected = (row.status, row.code, row.reason, row.text, row.reasoning)
    assert tuple(stored[name] for name in names) == expected, str(row)
    assert (events[-1]["type"], response["status"]) == (f"response.{row.status}", row.status)
    assert response["error"] == ({"code": row.code, "message": FAILURES[row.code]} if row.code else None)
    assert response["incomplete_details"] == ({"reason": row.reason} if row.reason else None)
    assert text_of(list(events)) == log_of(stack, response["id"]).text() == row.text


def log_of(stack: Stack, response_id: str) -> ResponseState:
    entries = stack.redis("XRANGE", key(response_id), "-", "+")
    return ResponseState.fold(decode(fields[b"event"].decode()) for _, fields in entries)


def check_silence(stack: Stack, row: Row, response_id: str) -> None:
    """No word of the server's error is kept; the operator has the remedy."""
    lines = log_lines(stack, response_id)
    [(_, last)] = stack.redis("XREVRANGE", key(response_id), "+", "-", "COUNT", "1")

    def written() -> bytes:
        """Return Redis's file once it has the log to its end: the write may be up to 2 s late."""
        data = b"".join(path.read_bytes() for path in stack.directory.glob("appendonlydir/*.aof"))
        return data if last[b"event"] in data else b""

    kept = wait_until(written, SETTLE_SECS, "Redis's file has the log")
    assert response_id.encode() in kept
    for place in (*lines, kept.decode(errors="replace"), str(stack.row(response_id))):
        assert row.words not in place
    if row.code:
        own = [line for line in lines if response_id in line]
        assert any(row.code in line and REMEDIES[row.code] in line for line in own), own


def log_lines(stack: Stack, response_id: str) -> list[str]:
    """Return the worker's lines up to Celery's last one of this response."""
    worker, last = stack.processes["worker1"], f"workers.generate[{response_id}] succeeded"
    wait_until(lambda: last in worker.output(), 10, "the task has ended")
    return worker.output().splitlines()


def fields_of(stack: Stack, prompt: str) -> list[str]:
    """Return the refusable fields of each request."""
    bodies = [record.body for record in stack.upstream.requests(prompt)]
    assert {body.get(name, LIMIT) for body in bodies for name in FIELDS[:2]} == {LIMIT}
    return [" ".join(name for name in FIELDS if name in body) for body in bodies]


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_row_of_the_field_ends_as_it_should(servers: Stack, row: Row) -> None:
    events = await asked(servers, row)
    check_end(servers, row, events)
    assert "tailrace:waiting" not in {event["type"] for event in events}
    assert len(servers.upstream.requests(row.prompt)) == row.requests
    check_silence(servers, row, events[-1]["response"]["id"])


@pytest.mark.parametrize(("row", "asked_with"), LEARNING, ids=str)
async def test_a_refused_field_is_learned_once(servers: Stack, row: Row, asked_with: Sequence[str]) -> None:
    events = await asked(servers, row)
    check_end(servers, row, events)
    check_silence(servers, row, events[-1]["response"]["id"])
    assert fields_of(servers, row.prompt) == list(asked_with)
    again = replace(row, case="again")
    check_end(servers, again, await asked(servers, again))
    assert fields_of(servers, again.prompt) == [asked_with[-1]]


async def test_each_dialect_passes_through_the_whole_stack(servers: Stack) -> None:
    """Side by side: faults are retried."""
    session, names = await cookie(servers.url), iter(DIALECTS)

    async def ask_some() -> None:
        async with visiting(servers.url, session) as visitor:
            for name in names:
                row = dialect_row("all", name)
                check_end(servers, row, await visitor.answer(row.prompt, row.model))

    await asyncio.gather(*(ask_some() for _ in range(SIDE_BY_SIDE)))


async def test_the_deadline_of_the_environment_reaches_the_attempt(servers: Stack) -> None:
    assert Deadlines().first_token > LOADING_SECS
    with within(FIRST_TOKEN_SECS * 4 + 5):
        check_end(servers, SILENT, await asked(servers, SILENT))


async def test_the_default_limit_leaves_room_for_reasoning() -> None:
    assert Conf.OPENAI_MAX_OUTPUT_TOKENS >= 4 * LIMIT  # of which all went into reasoning


async def test_the_model_taken_from_a_list_is_named_in_the_log(servers: Stack) -> None:
    await asked(servers, Row("taken", "words-1", "first-listed"))
    printed = servers.processes["worker1"].output().splitlines()
    [line] = [line for line in printed if "model first-listed" in line]
    assert "'scripted'" in line


@pytest.mark.parametrize(("model", "path"), [("no-v1", "/v1"), ("no-v1-nginx", "/nginx/v1")])
async def test_the_log_suggests_an_address_that_ends_in_v1(servers: Stack, model: str, path: str) -> None:
    response = (await asked(servers, Row("suggested", "fast", model)))[-1]["response"]
    root = servers.upstream.base_url.removesuffix("/v1")
    [line, *_] = [line for line in log_lines(servers, response["id"]) if f"model {model}: HTTP 404" in line]
    assert f"did you mean {root}{path}?" in line


async def test_azures_address_has_its_query_behind_the_path(servers: Stack) -> None:
    row = Row("u17", "words-1", "azure", text="w0")
    check_end(servers, row, await asked(servers, row))
    [record] = servers.upstream.requests(row.prompt)
    assert record.target == "/openai/deployments/mill/chat/completions?api-version=2024-10-21"
    assert record.key == KEY


async def test_the_oldest_turns_are_left_out_where_the_context_is_known(servers: Stack) -> None:
    previous = ""
    async with visiting(servers.url) as visitor:
        for prompt in LONG_TALK:
            after = {"previous_response_id": previous} if previous else {}
            last = (await visitor.answer(prompt, "small", **after))[-1]
            assert last["type"] == "response.completed"
            previous = last["response"]["id"]
    [record] = servers.upstream.requests(LONG_TALK[-1])
    sent = [message["content"] for message in record.messages if message["role"] == "user"]
    assert sent[-1] == LONG_TALK[-1]
    assert LONG_TALK[0] not in sent
    assert servers.row(previous)["omitted_turns"] == len(LONG_TALK) - len(sent)


UNUSABLE = [
    ("UPSTREAM_KEY", {"UPSTREAM_KEY": f"{SECRET}…"}),
    ("UPSTREAM_KEY", {"UPSTREAM_KEY": f"{SECRET}\x07bell"}),
    ("OPENAI_BASE_URL", {"TAILRACE_MODELS": "", "OPENAI_BASE_URL": f"http://u:{SECRET}@host/v1"}),
    ("OPENAI_BASE_URL", {"TAILRACE_MODELS": "", "OPENAI_BASE_URL": "host/v1"}),
]


@pytest.mark.parametrize(("variable", "env"), UNUSABLE)
def test_a_worker_names_the_variable_that_it_cannot_use_and_does_not_start(
    servers: Stack, tmp_path: Path, variable: str, env: dict[str, str]
) -> None:
    command = (*CELERY, "worker", "-n", "unusable@test")
    process = Process(tmp_path / "unusable.log", command, servers.env | env).start()
    try:
        wait_until(lambda: not process.is_running or "ready." in process.output(), 60, "an end, or a start")
        assert not process.is_running
    finally:
        code = process.kill()
    printed = process.output()
    assert code != 0
    assert len([line for line in printed.splitlines() if variable in line]) == 1
    assert SECRET not in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(("variable", "env"), UNUSABLE)
def test_the_doctor_names_the_variable_that_workers_cannot_use(
    servers: Stack, variable: str, env: dict[str, str]
) -> None:
    done = finished(sys.executable, "manage.py", "doctor", env=servers.env | env)
    printed = done.stdout + done.stderr
    assert done.returncode == 1
    assert variable in printed
    assert SECRET not in printed
    assert "Traceback" not in printed
