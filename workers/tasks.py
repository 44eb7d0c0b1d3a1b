"""The one Celery task: a wake-up with a response's id. The row is the job, so a doubled message does nothing.

arrow in: `chat/jobs.py`, by way of the broker · arrow out: `generation`, on the runtime's loop

What Celery and Flower see of it are ids and figures: no prompt, no answer.
"""

import logging
import time
from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown
from django.db import connections

from chat.catalog import catalog
from chat.ending import end
from chat.jobs import GENERATE
from chat.models import Response
from chat.protocol.draft import Ending
from workers.generation import Job, Report
from workers.provider import Request
from workers.runtime import runtime

logger = logging.getLogger(__name__)

Figures = dict[str, Any]


@shared_task(name=GENERATE)
def generate(response_id: str) -> Figures:
    """Write one response: claim the row, stream on the runtime's loop, settle the row.

    Returns figures only: status, output tokens, milliseconds to the first token and in all.
    """
    begun = time.time()
    if not Response.objects.claim(response_id, runtime.worker_id):
        return {"status": "skipped"}  # another worker got there first, or it was stopped in the queue
    try:
        report = _write(Response.objects.get(pk=response_id))
    except Exception:
        logger.exception("response %s: the worker failed", response_id)
        runtime.run(end(runtime.generation.log, response_id, Ending("failed", time.time(), "worker_error")))
        raise
    return _figures(report, begun)


def _write(row: Response) -> Report:
    model = catalog().get(row.model)
    if model is None:
        final = runtime.run(
            end(runtime.generation.log, str(row.id), Ending("failed", time.time(), "model_removed"))
        )
        return Report(final)
    request = Request(row.prompt(), row.max_output_tokens, row.temperature)
    job = Job(row.wire(), row.attempt, model, request)
    connections.close_all()  # nothing is held while it streams
    report = runtime.run(runtime.generation.write(job))
    if report.response is not None:
        Response.objects.finish(
            report.response,
            first_token_at=report.first_token_at and datetime.fromtimestamp(report.first_token_at, UTC),
        )
    return report


def _figures(report: Report, begun: float) -> Figures:
    usage = (report.response or {}).get("usage") or {}
    first = report.first_token_at
    return {
        "status": report.response["status"] if report.response else "superseded",
        "output_tokens": usage.get("output_tokens"),
        "first_token_ms": round((first - begun) * 1000) if first else None,
        "total_ms": round((time.time() - begun) * 1000),
    }


@worker_ready.connect
def start_runtime(sender: Any, **_: Any) -> None:
    """The worker takes jobs from now on: start the loop that streams, and beat."""
    runtime.start(sender.hostname)


@worker_shutdown.connect
def stop_runtime(**_: Any) -> None:
    """Every answer has ended: close the connections."""
    runtime.stop()
