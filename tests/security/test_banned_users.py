"""An inactive or deleted user costs nothing more: the queue is not served, running answers stop."""

import asyncio
from dataclasses import dataclass

import pytest

from chat.transport.event_log import key
from tests.harness.socket_client import Visitor, visiting
from tests.harness.stack import Stack
from tests.harness.waiting import await_until, deadline, patience
from tests.security.test_sessions import shell

pytestmark = pytest.mark.e2e

COUNT = 5  # running, and as many waiting
MOST_SECS = 5
WORKERS = ("worker1", "worker2")
BAN = """
user = Response.objects.get(pk=%r).owner
exec(%r)
print(json.dumps(time.time()))
"""
WAYS = {
    "saved": "user.is_active = False; user.save()",
    "updated": "User.objects.filter(pk=user.pk).update(is_active=False)",
    "deleted": "user.delete()",
    "deleted by SQL": """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("UPDATE tailrace_response SET previous_id = NULL WHERE owner_id = %s", [user.pk])
    cursor.execute("DELETE FROM tailrace_response WHERE owner_id = %s", [user.pk])
    cursor.execute("DELETE FROM tailrace_conversation WHERE owner_id = %s", [user.pk])
    cursor.execute("DELETE FROM auth_user WHERE id = %s", [user.pk])
""",
}


@dataclass
class Asked:
    """A question and its response's id."""

    prompt: str
    id: str


async def ask(visitor: Visitor, prompt: str) -> Asked:
    """Ask; returns once the response is accepted."""
    await visitor.create(prompt)
    events = await visitor.until("response.queued")
    return Asked(prompt, str(events[-1]["response"]["id"]))


@pytest.mark.parametrize("way", WAYS)
async def test_a_ban_stops_all_work_for_the_user(stack: Stack, way: str) -> None:
    async with visiting(stack.url) as visitor:
        running = [await ask(visitor, f"[words-3000@20] {way} running {n}") for n in range(COUNT)]
        await await_until(
            lambda: all(stack.upstream.requests(each.prompt) for each in running), 30, "all run"
        )
        await asyncio.to_thread(stack.take_tasks, *WORKERS, yes=False)
        waiting = [await ask(visitor, f"[fast] {way} waiting {n}") for n in range(COUNT)]
        code = "from chat.models import Response" + BAN % (running[0].id, WAYS[way])
        banned_at = float(await asyncio.to_thread(shell, stack, code))  # type: ignore[arg-type]  # a number
        await asyncio.to_thread(stack.take_tasks, *WORKERS, yes=True)
        await visitor.socket.wait_closed()
    stopped = [stack.upstream.wait_for_end(each.prompt, deadline()) for each in running]
    late = max(record.ended_at or 0 for record in stopped) - banned_at
    print(f"{way:15} the last of {COUNT} running answers stopped after {late:.1f} s")
    assert late < MOST_SECS * patience()
    await await_until(lambda: not stack.redis("LLEN", "responses"), 30, "the queue is empty")
    if way.startswith("deleted"):
        await await_until(lambda: not has_log(stack, waiting), 30, "waiting responses have lost their logs")
        assert all(0 < stack.redis("TTL", key(each.id)) <= 60 for each in running)
    else:
        rows = [stack.settled(each.id)["status"] for each in running + waiting]
        assert rows == ["cancelled"] * 2 * COUNT
    assert not any(is_asked(stack, each) for each in waiting)


def is_asked(stack: Stack, asked: Asked) -> bool:
    """Whether the model's server has been sent this question."""
    return bool(stack.upstream.requests(asked.prompt))


def has_log(stack: Stack, asked: list[Asked]) -> int:
    """How many of the responses have a log."""
    return int(stack.redis("EXISTS", *(key(each.id) for each in asked)))
