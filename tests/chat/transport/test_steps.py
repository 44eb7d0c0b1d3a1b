"""Results of steps: the first one counts, and they expire with the log."""

from chat.transport import redis_client
from chat.transport.event_log import LIVE_SECS, Log
from chat.transport.redis_keys import steps_key
from chat.transport.steps import Steps


async def test_the_first_result_of_a_step_is_kept(redis_url: str) -> None:
    steps = Steps(redis_client.client(), "r1", lambda: 2)
    assert await steps.result("pages") is None
    assert await steps.keep("pages", "[1]") == "[1]"
    assert await steps.keep("pages", "[2]") == "[1]"
    assert await steps.result("pages") == "[1]"
    assert await steps.result("other") is None
    assert await Steps(redis_client.client(), "r2", lambda: 2).result("pages") is None


async def test_steps_expire_with_the_log(redis_url: str) -> None:
    redis = redis_client.client()
    await Steps(redis, "r1", lambda: 2).keep("pages", "[1]")
    assert LIVE_SECS - 10 < await redis.ttl(steps_key("r1")) <= LIVE_SECS
    await Log(redis).expire("r1", 300)
    assert 290 < await redis.ttl(steps_key("r1")) <= 300


async def test_steps_are_deleted_with_the_log(redis_url: str) -> None:
    redis = redis_client.client()
    await Steps(redis, "r1", lambda: 2).keep("pages", "[1]")
    await Log(redis).delete("r1")
    assert await Steps(redis, "r1", lambda: 2).result("pages") is None
