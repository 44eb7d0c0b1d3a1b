"""Each step runs once, in this attempt or in another."""

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.steps import Steps
from tests.chat.protocol.lives import RESPONSE
from workers.programs import Ask, steps


@pytest.fixture(autouse=True)
async def _logs(log: Log) -> None:
    for response_id in ("r1", "r2"):
        await log.create(RESPONSE | {"id": response_id})


def attempt(response_id: str = "r1") -> Ask:
    return Ask(do_step=partial(steps.remembered, Steps(redis_client.client(), response_id, lambda: 2)))


async def test_another_attempt_gets_the_result_without_a_call(redis_url: str) -> None:
    calls: list[str] = []

    async def search(text: str) -> dict[str, Any]:
        calls.append(text)
        return {"pages": (1, 2), "none": None}

    found = [await attempt().once("pages", search, "pumps") for _ in range(2)]
    assert found == [{"pages": [1, 2], "none": None}] * 2
    assert calls == ["pumps"]
    assert await attempt("r2").once("pages", search, "pumps") == found[0]
    assert len(calls) == 2


async def test_a_result_of_none_counts(redis_url: str) -> None:
    calls: list[int] = []
    assert [await attempt().once("note", calls.append, 1) for _ in range(2)] == [None, None]
    assert calls == [1]


async def test_a_step_that_failed_runs_again(redis_url: str) -> None:
    outcomes = iter([OSError("once"), "done"])

    async def order() -> object:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    with pytest.raises(OSError, match="once"):
        await attempt().once("order", order)
    assert await attempt().once("order", order) == "done"


async def test_two_attempts_at_once_agree_on_the_first_result(redis_url: str) -> None:
    began, results = asyncio.Barrier(2), iter("ab")

    async def step() -> str:
        result = next(results)
        await began.wait()
        return result

    found = await asyncio.gather(*(attempt().once("step", step) for _ in range(2)))
    assert found[0] == found[1]


async def test_a_synchronous_function_does_not_block_the_loop() -> None:
    assert await Ask().once("thread", threading.get_ident) != threading.get_ident()


@pytest.mark.parametrize("result", [{1, 2}, object(), float("nan")])
async def test_a_result_is_json(result: object) -> None:
    with pytest.raises(ValueError, match=r"^the result of a step is no JSON: [A-Za-z]+$"):
        await Ask().once("step", lambda: result)


async def test_a_result_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MAX_RESULT_BYTES", 10)
    with pytest.raises(ValueError, match="has 12 bytes, 10 at most"):
        await Ask().once("step", lambda: "a" * 10)
