"""Runs whose responses have ended without a worker are cancelled by the worker that leads."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.models import Response, Status
from chat.responses.model_catalog import ModelConfig
from chat.transport import provider_runs, redis_client
from chat.transport.event_log import Log
from chat.transport.heartbeats import Heartbeats
from chat.transport.provider_runs import KnownRun, ProviderRuns
from tests.chat.rows import on_rows, stored
from tests.harness.upstream import Upstream
from tests.harness.waiting import LEAST_SECS, await_until
from tests.workers.background import beside
from tests.workers.gateway import gateway, reply
from tests.workers.targets import REQUEST, requests, target
from workers.providers.openai_compatible import Provider
from workers.providers.responses import api as responses_api
from workers.providers.responses.api import Background
from workers.supervision import run_canceller
from workers.supervision.run_canceller import (
    CANCELS_AT_ONCE,
    MAX_RETRY_SECS,
    RETRY_SECS,
    Failures,
    RunCanceller,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner")


@pytest.fixture
async def runs(log: Log) -> ProviderRuns:
    return ProviderRuns(redis_client.client())


@pytest.fixture
async def heartbeats(log: Log) -> Heartbeats:
    return Heartbeats(redis_client.client())


@pytest.fixture
def model(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    model = replace(target(upstream, "words-2000@20"), api="responses")
    monkeypatch.setattr(run_canceller, "catalog", lambda: {model.name: model})
    return model


@pytest.fixture
async def canceller(
    runs: ProviderRuns, heartbeats: Heartbeats, model: ModelConfig
) -> AsyncIterator[RunCanceller]:
    provider = Provider()
    yield RunCanceller("one", heartbeats, runs, provider)
    await provider.close()


async def begun(canceller: RunCanceller, row: Response, model: ModelConfig) -> None:
    """Begin a run for a row, in a worker that is lost."""

    async def remember(run: str) -> None:
        await canceller._runs.remember(row.wire_id, 1, model.name, run)

    chunks = canceller._provider.stream(model, REQUEST, Background(remember))
    async with aclosing(chunks):
        await anext(chunks)


async def is_cancelled(upstream: Upstream, model: ModelConfig) -> bool:
    return (await requests(upstream, model))[0].aborted


@pytest.mark.parametrize("deleted", [False, True])
async def test_the_run_of_an_ended_response_is_cancelled(
    canceller: RunCanceller,
    runs: ProviderRuns,
    owner: User,
    model: ModelConfig,
    upstream: Upstream,
    deleted: bool,
) -> None:
    row = await on_rows(stored, owner, status=Status.CANCELLED)
    await begun(canceller, row, model)
    if deleted:
        await on_rows(row.delete)
    async with beside(canceller.run()):
        await await_until(
            lambda: is_cancelled(upstream, model), LEAST_SECS, "the leading worker cancels the run"
        )

        async def is_forgotten() -> bool:
            return await runs.all() == {}

        await await_until(is_forgotten, LEAST_SECS, "the run is forgotten")


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.QUEUED])
async def test_the_run_of_a_live_response_is_left(
    canceller: RunCanceller,
    runs: ProviderRuns,
    owner: User,
    model: ModelConfig,
    upstream: Upstream,
    status: Status,
) -> None:
    row = await on_rows(stored, owner, status=status)
    await begun(canceller, row, model)
    await canceller.check()
    assert not await is_cancelled(upstream, model)
    assert list(await runs.all()) == [f"{row.wire_id}:1"]


async def test_the_run_of_a_claimed_response_is_its_workers(
    canceller: RunCanceller, heartbeats: Heartbeats, owner: User, model: ModelConfig, upstream: Upstream
) -> None:
    row = await on_rows(stored, owner, status=Status.CANCELLED)
    await begun(canceller, row, model)
    await heartbeats.record("another", {"running": [row.wire_id]})
    await canceller.check()
    assert not await is_cancelled(upstream, model)


async def test_a_run_that_cannot_be_cancelled_is_tried_again_for_a_time(
    canceller: RunCanceller,
    runs: ProviderRuns,
    owner: User,
    model: ModelConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        run_canceller, "catalog", lambda: {model.name: replace(model, base_url="http://127.0.0.1:9/v1")}
    )
    row = await on_rows(stored, owner, status=Status.CANCELLED)
    await runs.remember(row.wire_id, 1, model.name, "resp_1")
    monkeypatch.setattr(run_canceller, "RETRY_SECS", 0)
    await canceller.check()
    await canceller.check()
    assert len(await runs.all()) == 1
    monkeypatch.setattr(run_canceller, "KEPT_SECS", 0)
    await canceller.check()
    assert await runs.all() == {}


async def test_the_run_of_a_removed_model_is_forgotten(
    canceller: RunCanceller, runs: ProviderRuns, owner: User
) -> None:
    row = await on_rows(stored, owner, status=Status.CANCELLED)
    await runs.remember(row.wire_id, 1, "removed", "resp_1")
    await canceller.check()
    assert await runs.all() == {}


async def test_an_old_run_of_another_version_is_tried_again_too(
    canceller: RunCanceller,
    runs: ProviderRuns,
    owner: User,
    model: ModelConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with gateway(reply(401), reply(200)) as server:
        changed = replace(model, base_url=server.base_url)
        monkeypatch.setattr(run_canceller, "catalog", lambda: {model.name: changed})
        monkeypatch.setattr(run_canceller, "RETRY_SECS", 0)
        row = await on_rows(stored, owner, status=Status.CANCELLED)
        value = {"model": model.name, "run": "resp_1", "at": 1.0, "of_the_future": True}
        field = f"{row.wire_id}:1"
        await redis_client.client().hset(provider_runs.key(), field, json.dumps(value))
        assert (await runs.recall(row.wire_id, 1)) == KnownRun(model.name, "resp_1", 1.0)
        await canceller.check()
        assert list(await runs.all()) == [field]
        await canceller.check()
        assert await runs.all() == {}


async def test_a_run_that_cannot_be_cancelled_is_not_tried_at_every_check(
    canceller: RunCanceller,
    runs: ProviderRuns,
    owner: User,
    model: ModelConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with gateway(reply(401)) as server:
        changed = replace(model, base_url=server.base_url)
        monkeypatch.setattr(run_canceller, "catalog", lambda: {model.name: changed})
        monkeypatch.setattr(run_canceller, "RETRY_SECS", 600)
        row = await on_rows(stored, owner, status=Status.CANCELLED)
        await runs.remember(row.wire_id, 1, model.name, "resp_1")
        for _ in range(3):
            await canceller.check()
        assert len(server.asked) == 1
        await runs.remember(row.wire_id, 2, model.name, "resp_2")  # its own pause
        await canceller.check()
        assert len(server.asked) == 2


def test_the_pauses_grow_to_a_bound() -> None:
    failures = Failures(since=0)
    pauses = [failures.next_after(0) for _ in range(12)]
    assert pauses[:3] == [RETRY_SECS, 2 * RETRY_SECS, 4 * RETRY_SECS]
    assert set(pauses[-2:]) == {MAX_RETRY_SECS}


async def test_few_runs_are_cancelled_at_once(
    canceller: RunCanceller,
    runs: ProviderRuns,
    owner: User,
    model: ModelConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running, most = 0, 0
    cancel = responses_api.cancel

    async def counted(*args: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await cancel(*args)
        finally:
            running -= 1

    monkeypatch.setattr(responses_api, "cancel", counted)
    row = await on_rows(stored, owner, status=Status.CANCELLED)
    for number in range(1, 3 * CANCELS_AT_ONCE):
        await runs.remember(row.wire_id, number, model.name, f"resp_{number}")
    await canceller.check()
    assert await runs.all() == {}
    assert most == CANCELS_AT_ONCE
