"""Rows that a task writes, their logs and figures."""

import json
from typing import Any

from django.contrib.auth import get_user_model
from redis import Redis

from chat.models import Conversation, Response
from chat.responses.representation import response_object
from chat.transport.event_log import key
from tests.harness.waiting import LEAST_SECS, wait_until
from tests.workers.targets import AFTER_5
from workers.runtime import runtime
from workers.tasks import generate

FIGURES = {"status", "output_tokens", "first_token_ms", "total_ms"}


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
    figures = generate.apply(args=(row.wire_id,), task_id=row.wire_id).get()
    row.refresh_from_db()
    assert figures.keys() <= FIGURES
    return dict(figures)


def log_of(redis: Redis, row: Response) -> list[str]:
    rows: Any = redis.xrange(key(row.wire_id))
    return [fields["event"] for _, fields in rows]


def wait_for_text(redis: Redis, row: Response) -> None:
    """Wait until the log holds all that the model says before it is silent."""

    def said() -> str:
        events = map(json.loads, log_of(redis, row))
        return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")

    wait_until(lambda: said() == AFTER_5, LEAST_SECS, "the answer is under way")


async def stop(response_id: str) -> None:
    """Cancel an attempt on the runtime's loop, as a notification of the web side does."""
    runtime.attempts.cancel(response_id)
