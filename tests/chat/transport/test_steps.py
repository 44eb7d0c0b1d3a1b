"""Results of steps: the first one counts, and they live as long as the log."""

import pytest

from chat.transport import redis_client
from chat.transport import steps as module
from chat.transport.event_log import LIVE_SECS, Log
from chat.transport.redis_keys import steps_key
from chat.transport.steps import Steps, SupersededError, TooManyResultsError
from tests.chat.protocol.lives import RESPONSE


async def opened(response_id: str = "r1", next_number: int = 2) -> Steps:
    """The steps of a response whose log has two events."""
    await Log(redis_client.client()).create(RESPONSE | {"id": response_id})
    return Steps(redis_client.client(), response_id, lambda: next_number)


async def test_the_first_result_of_a_step_is_kept(redis_url: str) -> None:
    steps = await opened()
    assert await steps.result("pages") is None
    assert await steps.keep("pages", "[1]") == "[1]"
    assert await steps.keep("pages", "[2]") == "[1]"
    assert await steps.result("pages") == "[1]"
    assert await steps.result("other") is None
    assert await (await opened("r2")).result("pages") is None


async def test_a_result_expires_with_the_log(redis_url: str) -> None:
    redis, steps = redis_client.client(), await opened()
    await steps.keep("pages", "[1]")
    assert LIVE_SECS - 10 < await redis.ttl(steps_key("r1")) <= LIVE_SECS
    await Log(redis).expire("r1", 300)
    assert 290 < await redis.ttl(steps_key("r1")) <= 300
    await steps.keep("prices", "[2]")  # a step that was not interrupted
    assert 290 < await redis.ttl(steps_key("r1")) <= 300


async def test_a_result_without_a_log_is_not_kept(redis_url: str) -> None:
    redis, steps = redis_client.client(), await opened()
    await steps.keep("pages", "[1]")
    await Log(redis).delete("r1")
    assert await steps.result("pages") is None
    assert await steps.keep("pages", "[2]") == "[2]"
    assert not await redis.exists(steps_key("r1"))


async def test_all_results_have_a_bound(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RESULTS_BYTES", 10)
    steps = await opened()
    assert await steps.keep("a", "12345") == "12345"
    with pytest.raises(TooManyResultsError):
        await steps.keep("b", "123456")
    assert await steps.result("b") is None
    assert await steps.keep("a", "123456") == "12345"
    assert await steps.keep("b", "12345") == "12345"


async def test_an_attempt_is_superseded_by_an_event_of_another(redis_url: str) -> None:
    await (await opened(next_number=2)).check()
    with pytest.raises(SupersededError):
        await (await opened(next_number=1)).check()
    await (await opened("r2", next_number=2)).check()
    await Log(redis_client.client()).delete("r2")
    await Steps(redis_client.client(), "r2", lambda: 1).check()
