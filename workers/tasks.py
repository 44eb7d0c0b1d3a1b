"""The Celery tasks: wake a worker for a response, a conversation's title, or a webhook's event.

The row is the job: a doubled message does nothing.

Celery and Flower see ids and figures, no prompt, no answer.
"""

import gc
import logging
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from celery import shared_task
from celery.signals import task_revoked, worker_init, worker_ready, worker_shutdown, worker_shutting_down
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from chat.conf import conf
from chat.files.storage import StorageError
from chat.ids import RESPONSE, wire_id
from chat.models import Response
from chat.protocol.composer import Ending
from chat.protocol.events import Terminal
from chat.protocol.parameters import parameters
from chat.responses.attachments import loaded
from chat.responses.ending import end, settle, settle_if_ended
from chat.responses.model_catalog import ModelConfig, catalog
from chat.responses.prompt import Prompt, prompt
from chat.responses.queueing import enqueue
from chat.responses.remedies import REMEDIES
from chat.responses.representation import response_object
from chat.transport.job_queue import DELIVER, GENERATE, TITLE, QueueError
from chat.transport.outages import retry
from workers.generation.attempt import Assignment, Outcome, StopReason
from workers.providers.request import Request
from workers.runtime import runtime
from workers.supervision.health import serve
from workers.supervision.process_end import END_SECS, end_within

logger = logging.getLogger(__name__)

HAND_OVER_SECS = 15  # of retries while the database is unavailable
RETRY_SECS = 0.5

TaskResult = dict[str, Any]


@shared_task(name=GENERATE)
def generate(response_id: str) -> TaskResult:
    """Claim a row, run the attempt, settle the row.

    Returns status, output tokens, milliseconds to the first token and in all.
    """
    begun = time.time()
    row = Response.objects.claim(response_id, runtime.worker_id)
    if row is None:  # claimed elsewhere, stopped in the queue, or of an inactive or deleted user
        if not Response.objects.filter(pk=response_id).exists():
            runtime.run(runtime.attempts.log.delete(response_id))
        return {"status": "skipped"}
    with runtime.holding(response_id):
        try:
            outcome = _run(row)
            _log_failure(row, outcome)
            return _result(outcome, begun)
        except DatabaseError:  # unavailable: the reaper requeues or settles it
            raise
        except Exception:
            logger.exception("response %s: the worker failed", response_id)
            _fail(row, "worker_error")
            raise


@shared_task(name=TITLE)
def title(conversation_id: str) -> TaskResult:
    """Begin to name a conversation on the event loop; the thread is free again at once."""
    begun = runtime.run(runtime.titles.begin(conversation_id))
    return {"status": "begun" if begun else "dropped"}


@shared_task(name=DELIVER)
def deliver(delivery_id: int, attempt: int, webhook_id: str) -> TaskResult:
    """Begin to deliver an event on the event loop; the thread is free again at once."""
    begun = runtime.run(runtime.deliveries.begin(delivery_id, attempt, webhook_id))
    return {"status": "begun" if begun else "dropped"}


def _run(row: Response) -> Outcome:
    model = catalog().get(row.model)
    if model is None:
        return Outcome(_fail(row, "model_removed"))
    asked = _prompt(row, model)
    if asked.omitted_turns and row.request.get("truncation") == "disabled":
        return Outcome(_fail(row, "context_length_exceeded"))
    try:
        messages = loaded(row.owner_now(), asked.messages)
    except StorageError as error:
        logger.warning("response %s: its files cannot be read: %s", row.wire_id, error)
        return Outcome(_fail(row, "files_unavailable"))
    request = Request(messages, row.max_output_tokens, row.temperature, parameters(row.request))
    response, omitted = response_object(row), asked.omitted_turns
    assignment = Assignment(
        response, row.attempt, model, request, row.handed_over, omitted, row.input, row.request, row.owner_id
    )
    outcome = runtime.run(runtime.attempts.run(assignment))
    if outcome.terminal is not None:
        _settle(outcome.terminal, outcome.first_token_at)
    elif outcome.stopped is StopReason.HANDED_OVER:
        _hand_over(row)
    return outcome


def _prompt(row: Response, model: ModelConfig) -> Prompt:
    """The prompt, after settling a previous response ended only in its log."""
    if row.previous is not None and row.previous.live:
        runtime.run(settle_if_ended(runtime.attempts.log, wire_id(RESPONSE, row.previous_id)))
    limits = [limit for limit in (row.max_output_tokens, model.max_output_tokens) if limit]
    asked = prompt(row, model.context, min(limits, default=None))
    if asked.omitted_turns != row.omitted_turns:
        row.omitted_turns = asked.omitted_turns
        Response.objects.filter(pk=row.pk, attempt=row.attempt).update(omitted_turns=asked.omitted_turns)
    return asked


def _settle(terminal: Terminal, at: float | None) -> None:
    """Settle the row; while the database is unavailable, the reaper does. `at`: of the first token."""
    try:
        runtime.run(settle(terminal, first_token_at=at and datetime.fromtimestamp(at, UTC)))
    except DatabaseError as error:
        response_id = terminal.response["id"]
        logger.warning("response %s: its row is settled later: %s", response_id, type(error).__name__)


def _hand_over(row: Response) -> None:
    """Requeue the row and wake a worker, even in doubt: a second message does nothing."""
    requeue = database_sync_to_async(Response.objects.requeue, thread_sensitive=False)
    work, errors = partial(requeue, row.id, row.attempt, handed_over=True), (DatabaseError,)
    try:
        runtime.run(retry("a response cannot be handed over", work, RETRY_SECS, HAND_OVER_SECS, errors))
        runtime.run(enqueue(row))
    except (DatabaseError, QueueError) as error:
        logger.warning(
            "response %s: handing over is left to the reaper: %s", row.wire_id, type(error).__name__
        )


def _log_failure(row: Response, outcome: Outcome) -> None:
    """Log the code and its remedy; never a text of the server or of a person."""
    error = outcome.response and outcome.response["error"]
    if error and outcome.stopped is not StopReason.SUPERSEDED:
        code = error["code"]
        logger.warning(
            "response %s of %s failed: %s. %s", row.wire_id, row.model, code, REMEDIES.get(code, "")
        )


def _fail(row: Response, error_code: str) -> Terminal | None:
    ending = Ending("failed", time.time(), error_code)
    return runtime.run(end(runtime.attempts.log, row.wire_id, ending, attempt=row.attempt))


def _result(outcome: Outcome, begun: float) -> TaskResult:
    final, first = outcome.response, outcome.first_token_at
    usage = final and final["usage"]
    return {
        "status": final["status"] if final else (outcome.stopped or StopReason.SUPERSEDED).value,
        "output_tokens": usage["output_tokens"] if usage else None,
        "first_token_ms": round((first - begun) * 1000) if first else None,
        "total_ms": round((time.time() - begun) * 1000),
    }


@worker_init.connect
def serve_health(**_: Any) -> None:
    """Answer health checks from the start, also while the broker is unavailable."""
    if conf.HEALTH_PORT:
        serve(conf.HEALTH_PORT, runtime.is_alive)


@worker_ready.connect
def start_runtime(sender: Any, **_: Any) -> None:
    """Start the loop."""
    queues = sorted(sender.app.amqp.queues.consume_from)
    runtime.start(sender.hostname, concurrency=sender.controller.concurrency, queues=queues)
    gc.collect()
    gc.freeze()  # collecting start-up objects would stop all answers for 100 ms


@task_revoked.connect
def cancel_revoked(request: Any, **_: Any) -> None:
    """End a response revoked in Flower before its task ran: Celery drops the message."""
    if not request.id.startswith(f"{RESPONSE}_"):  # another task
        return
    ending = Ending("cancelled", time.time())
    threading.Thread(target=runtime.run, args=[end(runtime.attempts.log, request.id, ending)]).start()


@worker_shutting_down.connect
def drain_runtime(**_: Any) -> None:
    """Let answers end, hand the rest over."""
    runtime.drain(conf.DRAIN_SECONDS)


@worker_shutdown.connect
def stop_runtime(sender: Any, **_: Any) -> None:
    """Close the connections, then end the process."""
    runtime.stop()
    end_within(END_SECS, sender.exitcode or 0)
