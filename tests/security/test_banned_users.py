"""An inactive or deleted user costs nothing more: the queue is not served, running answers stop."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from chat.transport.event_log import key
from chat.transport.redis_keys import prefixed
from tests.harness.socket_client import Visitor, visiting
from tests.harness.stack import Stack
from tests.harness.waiting import await_until, deadline, patience
from tests.security.test_sessions import shell

COUNT = 3  # running, and as many waiting
MOST_SECS = 5
WORKERS = ("worker1", "worker2")
BAN = """
from chat.models import Response
times = []
for response_id, way in %r:
    user = Response.objects.get(pk=response_id).owner
    exec(way)
    times.append(time.time())
print(json.dumps(times))
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


@dataclass
class Banned:
    """A user with running and waiting responses. `at`: when it was banned."""

    way: str
    visitor: Visitor
    running: list[Asked] = field(default_factory=list)
    waiting: list[Asked] = field(default_factory=list)
    at: float = 0.0

    async def run(self) -> None:
        """Ask for long answers."""
        prompt = f"[words-3000@5] {self.way} running"
        self.running = [await ask(self.visitor, f"{prompt} {number}") for number in range(COUNT)]

    async def wait(self) -> None:
        """Ask more, while no worker takes a task."""
        prompt = f"[fast] {self.way} waiting"
        self.waiting = [await ask(self.visitor, f"{prompt} {number}") for number in range(COUNT)]


async def ask(visitor: Visitor, prompt: str) -> Asked:
    """Ask; returns once the response is accepted."""
    await visitor.create(prompt)
    events = await visitor.until("response.queued")
    return Asked(prompt, str(events[-1]["response"]["id"]))


async def test_a_ban_stops_all_work_for_the_user(stack: Stack) -> None:
    async with AsyncExitStack() as sockets:
        users = [Banned(way, await sockets.enter_async_context(visiting(stack.url))) for way in WAYS]
        await asyncio.gather(*(user.run() for user in users))
        running = [each for user in users for each in user.running]
        await await_until(lambda: all(is_asked(stack, each) for each in running), 30, "all run")
        await asyncio.to_thread(stack.take_tasks, *WORKERS, yes=False)
        await asyncio.gather(*(user.wait() for user in users))
        code = BAN % [(user.running[0].id, WAYS[user.way]) for user in users]
        times = await asyncio.to_thread(shell, stack, code)
        for user, at in zip(users, times, strict=True):
            user.at = float(at)
        await asyncio.to_thread(stack.take_tasks, *WORKERS, yes=True)
        for user in users:
            await user.visitor.socket.wait_closed()
    for user in users:
        stopped = [stack.upstream.wait_for_end(each.prompt, deadline()) for each in user.running]
        late = max(record.ended_at or 0 for record in stopped) - user.at
        print(f"{user.way:15} the last of {COUNT} running answers stopped after {late:.1f} s")
        assert late < MOST_SECS * patience(), user.way
    await await_until(lambda: not stack.redis("LLEN", prefixed("responses")), 30, "the queue is empty")
    for user in users:
        await require_end(stack, user)


async def require_end(stack: Stack, user: Banned) -> None:
    """Fail unless its responses are cancelled or gone, and no model has got a waiting one."""
    if user.way.startswith("deleted"):
        await await_until(lambda: not has_log(stack, user.waiting), 30, "waiting ones have lost their logs")
        assert all(0 < stack.redis("TTL", key(each.id)) <= 60 for each in user.running), user.way
    else:
        rows = [stack.settled(each.id)["status"] for each in user.running + user.waiting]
        assert rows == ["cancelled"] * 2 * COUNT, user.way
    assert not any(is_asked(stack, each) for each in user.waiting), user.way


def is_asked(stack: Stack, asked: Asked) -> bool:
    """Whether the model's server has been sent this question."""
    return bool(stack.upstream.requests(asked.prompt))


def has_log(stack: Stack, asked: list[Asked]) -> int:
    """How many of the responses have a log."""
    return int(stack.redis("EXISTS", *(key(each.id) for each in asked)))
