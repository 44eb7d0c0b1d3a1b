"""The task: it claims the row, has the answer written, settles the row, and returns figures only."""

import gc
import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from celery.app.task import Context
from celery.signals import task_revoked, worker_ready, worker_shutdown, worker_shutting_down
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from pytest_django import Settings
from redis import Redis

from chat.ids import new_id
from chat.models import Conversation, Response, ResponseQuerySet, Status
from chat.protocol.composer import Ending
from chat.protocol.events import is_terminal
from chat.responses.ending import end
from chat.responses.model_catalog import DEMO, catalog
from chat.responses.representation import response_object
from chat.transport.event_log import key
from chat.transport.job_queue import GENERATE
from tests.harness.broker import Broker, Message
from tests.harness.upstream import Upstream, text_of
from tests.harness.valkey import use
from tests.harness.waiting import wait_until
from tests.workers.targets import AFTER_5
from workers import tasks
from workers.providers import counting
from workers.runtime import runtime
from workers.tasks import generate

pytestmark = pytest.mark.django_db(transaction=True)

FIGURES = {"status", "output_tokens", "first_token_ms", "total_ms"}


@pytest.fixture(autouse=True)
def _runtime(valkey_url: str, settings: Settings) -> Iterator[None]:
    """The process's own runtime, for one test, beside an empty Valkey."""
    use(settings, valkey_url)
    with Redis.from_url(valkey_url) as redis:
        redis.flushall()
    yield
    runtime.stop()


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    with Redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def asked(upstream: Upstream, settings: Settings) -> Any:
    """Ask the scripted upstream: a function that stores a row whose model behaves so."""

    def ask(behaviour: str, **fields: Any) -> Response:
        settings.TAILRACE_OPENAI_BASE_URL = upstream.base_url
        settings.TAILRACE_OPENAI_MODEL = f"{behaviour}:{new_id().hex}"
        catalog.cache_clear()
        return stored(settings.TAILRACE_OPENAI_MODEL, **fields)

    return ask


def stored(model: str, **fields: Any) -> Response:
    """A row in the queue, with its log begun, as the web side leaves it."""
    owner, _ = get_user_model().objects.get_or_create(username="owner")
    conversation = Conversation.objects.create(owner=owner)
    row = Response.objects.create(
        **{
            "conversation": conversation,
            "owner": owner,
            "model": model,
            "input": [{"role": "user", "content": "a secret question"}],
            **fields,
        }
    )
    runtime.start("tested@host")
    assert runtime.run(runtime.attempts.log.create(response_object(row)))
    return row


def done(row: Response) -> dict[str, Any]:
    """The figures of the task, called as Celery does."""
    figures = generate.apply(args=(str(row.id),), task_id=str(row.id)).get()
    row.refresh_from_db()
    assert figures.keys() <= FIGURES
    return dict(figures)


def log_of(redis: Redis, row: Response) -> list[str]:
    rows: Any = redis.xrange(key(str(row.id)))
    return [fields["event"] for _, fields in rows]


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
        statuses = [figures["status"] for figures in pool.map(in_a_thread, [str(row.id)] * 4)]
    assert sorted(statuses) == ["completed", "skipped", "skipped", "skipped"]
    row.refresh_from_db()
    assert (row.attempt, row.output) == (1, text_of("words-20"))
    assert len(upstream.requests(row.model)) == 1


def test_what_was_cancelled_in_the_queue_is_skipped(asked: Any, upstream: Upstream, redis: Redis) -> None:
    row = asked("fast")
    runtime.run(end(runtime.attempts.log, str(row.id), Ending("cancelled", at=5.0)))
    assert done(row) == {"status": "skipped"}
    assert row.status == Status.CANCELLED
    assert upstream.requests(row.model) == []


def test_a_message_about_nothing_is_skipped() -> None:
    assert generate(str(new_id())) == {"status": "skipped"}


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


def test_a_model_that_was_removed_fails_the_response(redis: Redis) -> None:
    row = stored("a model of last year")
    assert done(row)["status"] == "failed"
    assert (row.status, row.error_code) == (Status.FAILED, "model_removed")
    assert json.loads(log_of(redis, row)[-1])["type"] == "response.failed"


def test_an_error_of_our_own_ends_the_response_and_is_reported_to_celery(
    asked: Any, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = asked("fast")
    row = asked("fast", previous=stranger)  # of another conversation: there is no such talk
    with pytest.raises(KeyError):
        generate(str(row.id))
    row.refresh_from_db()
    assert (row.status, row.error_code) == (Status.FAILED, "worker_error")
    assert json.loads(log_of(redis, row)[-1])["response"]["error"]["code"] == "worker_error"
    assert "the worker failed" in caplog.text
    assert "secret" not in caplog.text


def test_an_end_that_the_web_side_wrote_is_the_end_of_the_row(
    asked: Any, redis: Redis, celery_thread: ThreadPoolExecutor
) -> None:
    row = asked("stall-after-5")
    writing = celery_thread.submit(generate, str(row.id))
    wait_for_text(redis, row)
    runtime.run(end(runtime.attempts.log, str(row.id), Ending("cancelled", at=5.0)))
    runtime.run(stop(str(row.id)))
    assert writing.result(5)["status"] == "cancelled"
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
        writing: Future[dict[str, Any]] = celery_thread.submit(generate, str(row.id))
        wait_for_text(redis, row)
        assert opened, "the claim needed a connection"
        assert [connection.connection for connection in opened] == [None] * len(opened)
        runtime.run(stop(str(row.id)))
        assert writing.result(5)["status"] == "cancelled"
    finally:
        connection_created.disconnect(note)
    row.refresh_from_db()
    assert row.output == AFTER_5


def test_the_demo_model_needs_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "STEP_SECS", 0)
    row = stored(DEMO)
    assert done(row)["status"] == "completed"
    assert row.output.splitlines() == [f"Number {number}" for number in range(10)]


def test_the_worker_sends_heartbeats_from_its_ready_to_its_shutdown(redis: Redis) -> None:
    worker_ready.send(sender=Worker())

    def is_alive() -> bool:
        return bool(redis.exists(f"worker:{runtime.worker_id}"))

    wait_until(is_alive, 5, "the worker sends heartbeats")
    seen = json.loads(str(redis.get(f"worker:{runtime.worker_id}")))
    assert (seen["name"], seen["concurrency"], seen["queues"]) == ("first@host", 3, ["quick", "slow"])
    worker_shutdown.send(sender=None)
    assert not is_alive()


def test_what_a_worker_has_loaded_is_not_looked_through_for_garbage_again() -> None:
    gc.unfreeze()  # the web side's modules did the same when they were loaded
    assert gc.get_freeze_count() == 0
    worker_ready.send(sender=Worker())
    assert gc.get_freeze_count() > 50_000  # Django, Celery, the SDK


@pytest.fixture
def handed_over(
    asked: Any, redis: Redis, celery_thread: ThreadPoolExecutor, settings: Settings, monkeypatch: Any
) -> Callable[[Any], Response]:
    """Hands over a response in the middle of its text, with this `requeue`; returns its row."""

    def hand_over(requeue: Any) -> Response:
        settings.TAILRACE_DRAIN_SECONDS = 0
        row: Response = asked("stall-after-5+times-1")
        writing = celery_thread.submit(generate, str(row.id))
        wait_for_text(redis, row)
        assert runtime.claimed == [str(row.id)]
        monkeypatch.setattr(ResponseQuerySet, "requeue", requeue)
        worker_shutting_down.send(sender="first@host")
        assert writing.result(5)["status"] == "handed_over"
        row.refresh_from_db()
        return row

    return hand_over


def test_a_worker_that_stops_returns_the_response_to_the_queue(
    handed_over: Any, redis: Redis, broker: Broker
) -> None:
    row = handed_over(ResponseQuerySet.requeue)
    assert (row.status, row.worker, row.attempt) == (Status.QUEUED, "", 1)
    assert broker.jobs() == [Message(GENERATE, str(row.id), [str(row.id)])]
    assert runtime.claimed == []
    runtime.stop()
    runtime.start()  # as another process
    assert done(row)["status"] == "completed"
    assert (row.attempt, row.output) == (2, text_of("fast"))
    events = [json.loads(event) for event in log_of(redis, row)]
    assert [event["reason"] for event in events if event["type"] == "tailrace:restarted"] == ["handed_over"]


def test_a_response_is_handed_over_although_the_database_was_unavailable_for_a_moment(
    handed_over: Any, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    requeue, tries = ResponseQuerySet.requeue, itertools.count()

    def unavailable_at_first(*args: Any, **kwargs: Any) -> bool:
        if next(tries) < 10:
            raise OperationalError
        return requeue(*args, **kwargs)

    monkeypatch.setattr(tasks, "RETRY_SECS", tasks.HAND_OVER_SECS / 50)
    row = handed_over(unavailable_at_first)
    assert (row.status, row.losses, row.handed_over) == (Status.QUEUED, 0, True)
    assert broker.jobs() == [Message(GENERATE, str(row.id), [str(row.id)])]


def test_a_response_whose_handing_over_was_not_confirmed_is_enqueued_all_the_same(
    handed_over: Any, broker: Broker
) -> None:
    requeue = ResponseQuerySet.requeue

    def unconfirmed(*args: Any, **kwargs: Any) -> bool:
        if requeue(*args, **kwargs):
            raise InterfaceError
        return False

    row = handed_over(unconfirmed)
    assert row.status == Status.QUEUED
    assert broker.jobs() == [Message(GENERATE, str(row.id), [str(row.id)])]


def test_a_response_that_cannot_be_handed_over_is_not_ended(
    handed_over: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> bool:
        raise InterfaceError

    monkeypatch.setattr(tasks, "HAND_OVER_SECS", 0)
    row = handed_over(unavailable)
    assert row.status == Status.IN_PROGRESS  # the reaper of another worker recovers it
    assert not is_terminal(log_of(redis, row)[-1])


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


def test_answers_may_end_in_their_time_while_the_worker_stops(
    asked: Any, redis: Redis, celery_thread: ThreadPoolExecutor, settings: Settings
) -> None:
    settings.TAILRACE_DRAIN_SECONDS = 60
    row = asked("words-20@40")
    writing = celery_thread.submit(generate, str(row.id))
    wait_until(lambda: len(log_of(redis, row)) > 5, 5, "the answer is under way")
    worker_shutting_down.send(sender="first@host")
    assert writing.result(5)["status"] == "completed"


def test_a_task_that_flower_revoked_before_it_ran_ends_in_the_queue(asked: Any, redis: Redis) -> None:
    row = asked("fast")
    task_revoked.send(sender=generate, request=Context(id=str(row.id)))

    def is_cancelled() -> bool:
        row.refresh_from_db()
        return bool(row.status == Status.CANCELLED)

    wait_until(is_cancelled, 5, "the response has ended")
    assert done(row) == {"status": "skipped"}
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


@dataclass(frozen=True)
class Worker:
    """What Celery sends its signals from: its controller, application and queues are all in one."""

    hostname: str = "first@host"
    concurrency: int = 3
    consume_from: tuple[str, ...] = ("slow", "quick")

    @property
    def controller(self) -> "Worker":
        return self

    app = amqp = queues = controller


@pytest.fixture
def celery_thread() -> Iterator[ThreadPoolExecutor]:
    """A thread as Celery's pool has them; it closes its own database connection at its end."""
    with ThreadPoolExecutor(1, "celery") as pool:
        yield pool
        pool.submit(connections.close_all).result()


def wait_for_text(redis: Redis, row: Response) -> None:
    """Wait until the log holds all that the model says before it is silent."""

    def said() -> str:
        events = map(json.loads, log_of(redis, row))
        return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")

    wait_until(lambda: said() == AFTER_5, 5, "the answer is under way")


async def stop(response_id: str) -> None:
    """What an order of the web side comes to, on the runtime's loop."""
    runtime.attempts.cancel(response_id)
