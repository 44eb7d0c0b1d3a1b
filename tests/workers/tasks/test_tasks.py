"""The task: it claims the row, has the answer written, settles the row, and returns figures only."""

import json
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from pytest_django import Settings
from redis import Redis

from chat.ids import new_id
from chat.models import Response, ResponseQuerySet, Status
from chat.protocol.composer import Ending
from chat.protocol.events import is_terminal
from chat.responses.ending import end
from chat.responses.model_catalog import DEMO
from chat.responses.remedies import REMEDIES
from chat.responses.representation import response_object
from chat.transport.job_queue import GENERATE
from tests.chat.contents import PNG
from tests.chat.stored_files import kept
from tests.harness.upstream import Upstream, text_of
from tests.harness.waiting import LEAST_SECS, deadline, wait_until
from tests.workers.targets import AFTER_5
from tests.workers.tasks.rows import FIGURES, done, log_of, stop, stored, wait_for_text
from workers.programs import counting
from workers.runtime import runtime
from workers.supervision import heartbeat
from workers.tasks import generate

pytestmark = pytest.mark.django_db(transaction=True)


def is_of_answers(record: logging.LogRecord) -> bool:
    """The heartbeat reports the stalls of a busy machine."""
    return record.name.startswith("workers.") and record.name != heartbeat.__name__


def test_it_has_the_name_that_the_web_side_calls() -> None:
    assert generate.name == GENERATE


def test_a_written_answer_settles_its_row(asked: Any, redis: Redis) -> None:
    begin = datetime.now(UTC)
    row = asked("reasoning-2+words-5")
    figures = done(row)
    assert row.status == Status.COMPLETED
    assert (row.output, row.reasoning) == (AFTER_5, "r0 r1")
    assert row.usage is not None
    assert (row.usage["output_tokens"], row.usage["input_tokens"]) == (7, 3)
    assert (row.attempt, row.worker, row.error_code) == (1, runtime.worker_id, "")
    assert row.started_at is not None
    assert row.first_token_at is not None
    assert row.ended_at is not None
    assert begin < row.started_at < row.first_token_at < row.ended_at < datetime.now(UTC)
    assert figures.keys() == FIGURES
    assert (figures["status"], figures["output_tokens"]) == ("completed", 7)
    assert 0 <= figures["first_token_ms"] <= figures["total_ms"]


def test_the_log_and_the_row_end_the_same(asked: Any, redis: Redis) -> None:
    row = asked("length-7")
    done(row)
    final = json.loads(log_of(redis, row)[-1])["response"]
    assert final["status"] == row.status == Status.INCOMPLETE
    assert final["incomplete_details"] == {"reason": row.incomplete_reason}
    assert final["output"] == response_object(row)["output"]
    assert final["usage"] == row.usage


def test_the_figures_contain_no_text(asked: Any) -> None:
    figures = json.dumps(done(asked("echo")))
    assert "secret" not in figures
    assert "question" not in figures


def test_a_doubled_message_does_nothing(asked: Any, upstream: Upstream, redis: Redis) -> None:
    row = asked("fast")
    done(row)
    before, log = Response.objects.values().get(pk=row.pk), log_of(redis, row)
    assert done(row) == {"status": "skipped"}
    assert Response.objects.values().get(pk=row.pk) == before
    assert log_of(redis, row) == log
    assert len(upstream.requests(row.model)) == 1


def in_a_thread(response_id: str) -> dict[str, Any]:
    """Run the task as a thread of Celery's does, which leaves no database connection open."""
    try:
        return dict(generate(response_id))
    finally:
        connections.close_all()


def test_of_two_messages_at_once_one_is_skipped(asked: Any, upstream: Upstream) -> None:
    row = asked("words-20@40")
    with ThreadPoolExecutor(4) as pool:
        statuses = [figures["status"] for figures in pool.map(in_a_thread, [row.wire_id] * 4)]
    assert sorted(statuses) == ["completed", "skipped", "skipped", "skipped"]
    row.refresh_from_db()
    assert (row.attempt, row.output) == (1, text_of("words-20"))
    assert len(upstream.requests(row.model)) == 1


def test_what_was_cancelled_in_the_queue_is_skipped(asked: Any, upstream: Upstream, redis: Redis) -> None:
    row = asked("fast")
    runtime.run(end(runtime.attempts.log, row.wire_id, Ending("cancelled", at=5.0)))
    assert done(row) == {"status": "skipped"}
    assert row.status == Status.CANCELLED
    assert upstream.requests(row.model) == []


@pytest.mark.usefixtures("asked")  # it starts the worker
def test_a_message_about_nothing_is_skipped() -> None:
    assert generate(str(new_id())) == {"status": "skipped"}


def test_a_response_of_an_inactive_user_is_skipped_and_keeps_its_log(
    asked: Any, upstream: Upstream, redis: Redis
) -> None:
    row = asked("fast")
    User.objects.update(is_active=False)
    assert done(row) == {"status": "skipped"}
    assert upstream.requests(row.model) == []
    assert log_of(redis, row)


def test_a_response_of_a_deleted_user_is_skipped_and_loses_its_log(
    asked: Any, upstream: Upstream, redis: Redis
) -> None:
    row = asked("fast")
    assert log_of(redis, row)
    User.objects.all().delete()
    assert generate(row.wire_id) == {"status": "skipped"}
    assert upstream.requests(row.model) == []
    assert log_of(redis, row) == []


def test_a_failed_answer_keeps_its_text_and_code(asked: Any, redis: Redis) -> None:
    row = asked("cut-after-5")
    figures = done(row)
    assert (row.status, row.error_code, row.output) == (Status.FAILED, "upstream_cut", AFTER_5)
    assert figures["status"] == "failed"
    assert figures["first_token_ms"] is not None
    assert [is_terminal(event) for event in log_of(redis, row)].count(True) == 1


def test_an_answer_without_text_has_no_first_token(asked: Any) -> None:
    row = asked("status-429")
    figures = done(row)
    assert (row.error_code, row.first_token_at, figures["first_token_ms"]) == (
        "rate_limit_exceeded",
        None,
        None,
    )


def test_the_model_is_asked_the_whole_talk_with_the_limits_of_the_response(
    asked: Any, upstream: Upstream
) -> None:
    earlier = asked("fast")
    done(earlier)
    row = asked(
        "fast",
        conversation=earlier.conversation,
        previous=earlier,
        instructions="Be brief.",
        max_output_tokens=40,
        temperature=0.5,
    )
    done(row)
    [record] = upstream.requests(row.model)
    assert record.messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a secret question"},
        {"role": "assistant", "content": text_of("fast")},
        {"role": "user", "content": "a secret question"},
    ]
    assert (record.body["max_tokens"], record.body["temperature"]) == (40, 0.5)


def test_what_the_client_asked_for_is_sent_to_the_model(asked: Any, upstream: Upstream) -> None:
    row = asked("fast", request={"top_p": 0.5, "text": {"verbosity": "low"}, "user": "u", "top_k": 5})
    done(row)
    [record] = upstream.requests(row.model)
    assert (record.body["top_p"], record.body["verbosity"], record.body["top_k"]) == (0.5, "low", 5)
    assert "user" not in record.body


def test_a_prompt_that_must_not_be_cut_fails_if_it_does_not_fit(
    asked: Any, upstream: Upstream, settings: Settings
) -> None:
    settings.TAILRACE_OPENAI_CONTEXT = 100
    long = [{"type": "message", "role": "assistant", "content": "x" * 3_000}]
    earlier = asked("fast", items=long, answered=True, status="completed")
    shared = {"conversation": earlier.conversation, "previous": earlier}
    row = asked("fast", **shared, request={"truncation": "disabled"})
    done(row)
    assert (row.status, row.error_code) == ("failed", "context_length_exceeded")
    assert upstream.requests(row.model) == []
    cut = asked("fast", **shared, request={"truncation": "auto"})
    done(cut)
    assert (cut.status, cut.omitted_turns) == ("completed", 1)


def test_turns_that_do_not_fit_are_left_out_and_counted(
    asked: Any, upstream: Upstream, redis: Redis, settings: Settings
) -> None:
    settings.TAILRACE_OPENAI_CONTEXT = 100
    row = asked("fast")
    for _ in range(3):
        done(row)
        earlier, row = row, asked("fast", conversation=row.conversation, previous=row)
    done(row)
    [record] = upstream.requests(row.model)
    assert [message["role"] for message in record.messages] == ["user", "assistant", "user"]
    assert record.messages[1]["content"] == earlier.output
    assert row.omitted_turns == 2
    responses = [json.loads(event).get("response") for event in log_of(redis, row)]
    assert [each.get("tailrace") for each in responses if each] == [None, None, *[{"omitted_turns": 2}] * 2]
    assert responses[-1]["truncation"] == response_object(row)["truncation"] == "auto"


@pytest.mark.parametrize("name", ["max-tokens", "stream-options", "temperature"])
def test_a_field_that_the_server_refuses_does_not_fail_the_answer(
    asked: Any, upstream: Upstream, name: str
) -> None:
    row = asked(f"refuse-{name}", temperature=0.5)
    done(row)
    assert (row.status, row.output, row.attempt) == (Status.COMPLETED, text_of("fast"), 1)
    assert len(upstream.requests(row.model)) == 2


def test_a_failure_is_logged_once_with_its_remedy_and_without_text(
    asked: Any, caplog: pytest.LogCaptureFixture
) -> None:
    row = asked("status-402")
    done(row)
    [record] = [record for record in caplog.records if is_of_answers(record)]
    assert record.levelname == "WARNING"
    assert f"response {row.wire_id} of {row.model} failed: upstream_no_credit" in record.message
    assert REMEDIES["upstream_no_credit"] in record.message
    assert "secret" not in caplog.text


def test_an_answer_that_completes_is_not_logged(asked: Any, caplog: pytest.LogCaptureFixture) -> None:
    row = asked("fast")
    done(row)
    assert not [record for record in caplog.records if is_of_answers(record)]


@pytest.mark.parametrize(
    ("script", "status", "code", "reason"),
    [
        ("words-0", Status.FAILED, "empty_answer", ""),
        ("reasoning-3+words-0", Status.FAILED, "empty_answer", ""),
        ("reasoning-3+length-0", Status.INCOMPLETE, "", "max_output_tokens"),
    ],
)
def test_an_answer_without_text_is_not_completed(
    asked: Any, upstream: Upstream, script: str, status: Status, code: str, reason: str
) -> None:
    row = asked(script)
    done(row)
    assert (row.status, row.error_code, row.incomplete_reason, row.output) == (status, code, reason, "")
    assert len(upstream.requests(row.model)) == 1


def test_a_model_that_was_removed_fails_the_response(redis: Redis) -> None:
    row = stored("a model of last year")
    assert done(row)["status"] == "failed"
    assert (row.status, row.error_code) == (Status.FAILED, "model_removed")
    assert json.loads(log_of(redis, row)[-1])["type"] == "response.failed"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("damage", ["lost", "unreadable"])
def test_files_that_cannot_be_read_fail_the_response(
    asked: Any, upstream: Upstream, folder: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    row = asked("fast")
    file = kept(row.owner, PNG)
    part = {"type": "input_image", "file_id": file.wire_id}
    row.input = [{"type": "message", "role": "user", "content": [part]}]
    row.save()
    (folder / file.storage_name).unlink()
    if damage == "unreadable":
        (folder / file.storage_name).mkdir()
    assert done(row)["status"] == "failed"
    assert (row.status, row.error_code) == (Status.FAILED, "files_unavailable")
    assert REMEDIES["files_unavailable"] in caplog.text
    assert upstream.requests(row.model) == []


def test_an_error_of_our_own_ends_the_response_and_is_reported_to_celery(
    asked: Any, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    row = asked("fast", input=[{"role": "user"}])  # creation stores no message without content
    with pytest.raises(KeyError):
        generate(row.wire_id)
    row.refresh_from_db()
    assert (row.status, row.error_code) == (Status.FAILED, "worker_error")
    assert json.loads(log_of(redis, row)[-1])["response"]["error"]["code"] == "worker_error"
    assert "the worker failed" in caplog.text
    assert "secret" not in caplog.text


def test_an_end_that_the_web_side_wrote_is_the_end_of_the_row(
    asked: Any, redis: Redis, celery_thread: ThreadPoolExecutor
) -> None:
    row = asked("stall-after-5")
    writing = celery_thread.submit(generate, row.wire_id)
    wait_for_text(redis, row)
    runtime.run(end(runtime.attempts.log, row.wire_id, Ending("cancelled", at=5.0)))
    runtime.run(stop(row.wire_id))
    assert writing.result(deadline())["status"] == "cancelled"
    row.refresh_from_db()
    assert (row.status, row.output) == (Status.CANCELLED, AFTER_5)
    assert [is_terminal(event) for event in log_of(redis, row)].count(True) == 1


def test_no_database_connection_is_held_while_it_streams(
    asked: Any, redis: Redis, celery_thread: ThreadPoolExecutor
) -> None:
    opened: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **_: Any) -> None:
        opened.append(connection)

    row = asked("stall-after-5")
    connections.close_all()  # the test's own
    connection_created.connect(note)
    try:
        writing: Future[dict[str, Any]] = celery_thread.submit(generate, row.wire_id)
        wait_for_text(redis, row)
        assert opened, "the claim needed a connection"
        # the loop's other parts query for a moment
        wait_until(
            lambda: not any(connection.connection for connection in opened), LEAST_SECS, "all are closed"
        )
        assert not writing.done()
        runtime.run(stop(row.wire_id))
        assert writing.result(deadline())["status"] == "cancelled"
    finally:
        connection_created.disconnect(note)
    row.refresh_from_db()
    assert row.output == AFTER_5


def test_the_demo_model_needs_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "STEP_SECS", 0)
    row = stored(DEMO)
    assert done(row)["status"] == "completed"
    assert row.output.splitlines() == [f"Number {number}" for number in range(10)]


def test_an_end_that_cannot_be_written_to_the_row_stays_in_the_log(
    asked: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> bool:
        raise InterfaceError

    row = asked("fast")
    with monkeypatch.context() as patch:
        patch.setattr(ResponseQuerySet, "finish", unavailable)
        assert done(row)["status"] == "completed"
    assert row.status == Status.IN_PROGRESS
    assert is_terminal(log_of(redis, row)[-1])


def test_a_previous_answer_that_ended_in_the_log_only_is_part_of_the_prompt(
    asked: Any, upstream: Upstream
) -> None:
    earlier = asked("fast")
    done(earlier)
    fields = {"status": Status.IN_PROGRESS, "output": "", "ended_at": None}
    Response.objects.filter(pk=earlier.pk).update(**fields)  # its worker died before it settled the row
    row = asked("fast", conversation=earlier.conversation, previous=earlier)
    done(row)
    [record] = upstream.requests(row.model)
    assert [message["role"] for message in record.messages] == ["user", "assistant", "user"]
    assert record.messages[1]["content"] == text_of("fast")
    earlier.refresh_from_db()
    assert (earlier.status, earlier.output) == (Status.COMPLETED, text_of("fast"))
