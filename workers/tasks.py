"""The one Celery task: a wake-up with a response's id. The row is the job, so a doubled message does nothing.

arrow in: `chat/responses/queueing.py`, by way of the broker · arrow out: `generation`, on the runtime's loop

What Celery and Flower see of it are ids and figures: no prompt, no answer.
"""

import contextlib
import gc
import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from celery.signals import task_revoked, worker_ready, worker_shutdown, worker_shutting_down
from django.db import Error as DatabaseError
from django.db import connections

from chat.conf import conf
from chat.conversations.announcements import announce_response
from chat.models import Response
from chat.protocol.events import JSON
from chat.protocol.state import Ending
from chat.responses.ending import end
from chat.responses.model_catalog import catalog
from chat.responses.queueing import enqueue
from chat.transport.job_queue import GENERATE, QueueError
from workers.generation.attempt import Assignment, Outcome
from workers.providers.openai_compatible import Request
from workers.runtime import runtime

logger = logging.getLogger(__name__)

HAND_OVER_SECS = 15  # an answer is handed over although the database is away for so long
AGAIN_SECS = 0.5  # before the database is asked again

Figures = dict[str, Any]


@shared_task(name=GENERATE)
def generate(response_id: str) -> Figures:
    """Write one response: claim the row, stream on the runtime's loop, settle the row.

    Returns figures only: status, output tokens, milliseconds to the first token and in all.
    """
    begun = time.time()
    row = Response.objects.claim(response_id, runtime.worker_id)
    if row is None:
        return {"status": "skipped"}  # another worker got there first, or it was stopped in the queue
    with runtime.holding(response_id):
        try:
            report = _write(row)
        except DatabaseError:  # it is away: the reaper gives the row to another attempt, or settles it
            raise
        except Exception:
            logger.exception("response %s: the worker failed", response_id)
            _end(row, "worker_error")
            raise
    return _figures(report, begun)


def _write(row: Response) -> Outcome:
    model = catalog().get(row.model)
    if model is None:
        return Outcome(_end(row, "model_removed"))
    request = Request(_prompt(row), row.max_output_tokens, row.temperature)
    job = Assignment(row.wire(), row.attempt, model, request, row.handed_over)
    connections.close_all()  # nothing is held while it streams
    report = runtime.run(runtime.generation.write(job))
    if report.response is not None:
        _settle(report.response, report.first_token_at)
    elif report.handed_over:
        _hand_over(row)
    return report


def _hand_over(row: Response) -> None:
    """Give it back to the queue; without a broker, the reaper of another worker finds that it waits."""
    with contextlib.suppress(QueueError):
        if _requeued(row):
            runtime.run(enqueue(row))


def _requeued(row: Response) -> bool:
    """Put it back. False: it has ended, or the database stays away; then the reaper sees a lost worker."""
    until, in_doubt = time.monotonic() + HAND_OVER_SECS, False
    while True:
        try:
            return Response.objects.requeue(row.id, row.attempt, handed_over=True) or in_doubt
        except DatabaseError as error:
            connections.close_all()  # a broken one stays broken
            in_doubt = True  # it may have been done all the same
            if time.monotonic() >= until:
                logger.warning("response %s: it cannot be handed over: %s", row.id, type(error).__name__)
                return False
            time.sleep(AGAIN_SECS)


def _settle(response: JSON, first_token_at: float | None) -> None:
    """Copy the end to the row. While the database is away that is left to the reaper: the log has the end."""
    moment = first_token_at and datetime.fromtimestamp(first_token_at, UTC)
    try:
        _finish(response, first_token_at=moment)
    except DatabaseError as error:
        logger.warning("response %s: its row is settled later: %s", response["id"], type(error).__name__)


def _prompt(row: Response) -> list[JSON]:
    """The prompt; a previous answer whose end is in the log, but not yet in its row, is settled first."""
    if row.previous is not None and row.previous.live:
        draft = runtime.run(runtime.generation.log.draft(str(row.previous_id)))
        if draft is not None and draft.ended is not None:
            _finish(draft.ended)
    return row.prompt()


def _finish(response: JSON, **extra: Any) -> None:
    """Copy the end to the row, and tell the owner if that is news."""
    if Response.objects.finish(response, **extra):
        runtime.run(announce_response(response))


def _end(row: Response, error_code: str) -> JSON | None:
    ending = Ending("failed", time.time(), error_code)
    return runtime.run(end(runtime.generation.log, str(row.id), ending, attempt=row.attempt))


def _figures(report: Outcome, begun: float) -> Figures:
    usage = (report.response or {}).get("usage") or {}
    first = report.first_token_at
    return {
        "status": _status(report),
        "output_tokens": usage.get("output_tokens"),
        "first_token_ms": round((first - begun) * 1000) if first else None,
        "total_ms": round((time.time() - begun) * 1000),
    }


def _status(report: Outcome) -> str:
    if report.response is not None:
        return str(report.response["status"])
    return "handed_over" if report.handed_over else "superseded"


@worker_ready.connect
def start_runtime(sender: Any, **_: Any) -> None:
    """The worker takes jobs from now on: start the loop that streams, and beat."""
    queues = sorted(sender.app.amqp.queues.consume_from)
    runtime.start(sender.hostname, concurrency=sender.controller.concurrency, queues=queues)
    gc.collect()
    gc.freeze()  # what is loaded stays: to look through it again stops all answers for a tenth of a second


@task_revoked.connect
def cancel_revoked(request: Any, **_: Any) -> None:
    """Flower revoked a job before it ran: Celery throws the message away, so the response ends here."""
    ending = Ending("cancelled", time.time())
    threading.Thread(target=runtime.run, args=[end(runtime.generation.log, request.id, ending)]).start()


@worker_shutting_down.connect
def drain_runtime(**_: Any) -> None:
    """The worker stops, and takes no more: the answers that run may end, the rest is handed over."""
    runtime.drain(conf.DRAIN_SECONDS)


@worker_shutdown.connect
def stop_runtime(**_: Any) -> None:
    """Every answer has ended or was handed over: close the connections."""
    runtime.stop()
