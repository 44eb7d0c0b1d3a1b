"""The channel layer, on a real Valkey: order is kept, round trips are shared, failures are raised."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from chat.transport import channel_layer as layer_module
from chat.transport.channel_layer import LayerError, PipelinedChannelLayer, PipelinedShard
from project.up import ports, valkey
from tests.harness.valkey import running
from tests.harness.waiting import await_until, deadline, within

MESSAGES = 500
SOCKETS = 300  # sockets that reconnect at the same time


async def received(layer: Any, channel: str, count: int) -> list[int]:
    async with asyncio.timeout(deadline()):
        return [(await layer.receive(channel))["number"] for _ in range(count)]


def connections(layer: Any) -> list[Any]:
    """The pub/sub connections of the layer."""
    return [each for shard in layer._shards for each in shard._subscriptions._pool._in_use_connections]


def message(number: int) -> dict[str, Any]:
    return {"type": "test.message", "number": number}


async def test_messages_that_are_sent_at_once_keep_their_order(layer: Any) -> None:
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    await asyncio.gather(*(layer.group_send("g", message(number)) for number in range(MESSAGES)))
    assert await received(layer, channel, MESSAGES) == list(range(MESSAGES))


async def test_publishers_share_round_trips(layer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trips, publish_all = [], PipelinedShard._publish_all

    async def counting(shard: PipelinedShard, batch: list[Any]) -> None:
        trips.append(len(batch))
        await publish_all(shard, batch)

    monkeypatch.setattr(PipelinedShard, "_publish_all", counting)
    await asyncio.gather(*(layer.group_send(f"g{number}", message(number)) for number in range(MESSAGES)))
    assert sum(trips) == MESSAGES
    assert len(trips) <= 3


async def test_a_send_returns_when_redis_has_it(layer: Any, redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        before = await _published(client)
        await layer.group_send("g", message(1))
        assert await _published(client) == before + 1


async def _published(client: Redis) -> int:
    figures: Any = await client.info("commandstats")
    return int(figures.get("cmdstat_publish", {}).get("calls", 0))


async def test_a_message_for_one_channel_arrives_there(layer: Any) -> None:
    channel = await layer.new_channel()
    await layer.send(channel, message(7))
    assert await received(layer, channel, 1) == [7]


async def test_a_channel_that_left_a_group_receives_none_of_its_messages(layer: Any) -> None:
    gone, there = await layer.new_channel(), await layer.new_channel()
    for channel in (gone, there):
        await layer.group_add("g", channel)
    await layer.group_discard("g", gone)
    await layer.group_send("g", message(1))
    await layer.send(gone, message(2))
    assert await received(layer, there, 1) == [1]
    assert await received(layer, gone, 1) == [2]


async def test_a_cancelled_send_is_not_sent_and_the_others_are(layer: Any) -> None:
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    sends = [asyncio.create_task(layer.group_send("g", message(number))) for number in range(3)]
    await asyncio.sleep(0)
    sends[1].cancel()
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert [outcomes[0], outcomes[2]] == [None, None]
    assert await received(layer, channel, 2) == [0, 2]


async def test_a_flush_closes_the_connections(layer: Any, redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        name = "layer-under-test"
        channel = await layer.new_channel()
        await layer.group_send("g", message(1))
        for connection in connections(layer):
            await connection.send_command("CLIENT", "SETNAME", name)

        async def connected() -> bool:
            return name in {peer["name"] for peer in await client.client_list()}

        await await_until(connected, 5, "the layer's connection has its name")
        await layer.flush()

        async def closed() -> bool:
            return not await connected()

        await await_until(closed, 5, "the layer's connection is closed")
        assert channel not in layer.channels


async def test_a_flush_fails_the_pending_sends(layer: Any) -> None:
    sends = [asyncio.create_task(layer.group_send("g", message(number))) for number in range(3)]
    await asyncio.sleep(0)
    await layer.flush()
    async with asyncio.timeout(deadline()):
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ConnectionError}


async def test_a_flushed_layer_can_be_used_again(layer: Any) -> None:
    await layer.group_send("g", message(1))
    await layer.flush()
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    await layer.group_send("g", message(2))
    assert await received(layer, channel, 1) == [2]


@pytest.fixture
async def unconnected(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[PipelinedChannelLayer, int]]:
    """A layer that gives up soon, and the port of its Valkey, which does not run yet."""
    monkeypatch.setattr(layer_module, "RETRIES", 1)
    port = ports.pick_free()
    layer = PipelinedChannelLayer(hosts=[valkey.url(port)])
    yield layer, port
    await layer.flush()


async def test_a_failed_send_raises_and_a_later_one_gets_through(unconnected: Any, tmp_path: Path) -> None:
    layer, port = unconnected
    with running(tmp_path, port):
        await layer.group_send("g", message(1))
    outcomes = await asyncio.gather(
        *(layer.group_send("g", message(number)) for number in range(3)), return_exceptions=True
    )
    assert [isinstance(outcome, LayerError) for outcome in outcomes] == [True] * 3
    with running(tmp_path, port):
        channel = await layer.new_channel()
        await layer.group_add("g", channel)
        await layer.group_send("g", message(4))
        assert await received(layer, channel, 1) == [4]


async def test_an_unresponsive_redis_times_out(unconnected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, port = unconnected
    monkeypatch.setattr(layer_module, "PUBLISH_SECS", 0.05)
    with socket.create_server(("127.0.0.1", port)):  # accepts in the kernel, and never replies
        for number in range(2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(layer.group_send("g", message(number)), deadline())


async def test_a_group_is_joined_again_when_valkey_is_back(unconnected: Any, tmp_path: Path) -> None:
    layer, port = unconnected
    with running(tmp_path, port):
        channel = await layer.new_channel()
        await layer.group_add("g", channel)
    with running(tmp_path, port):

        async def arrives() -> bool:
            await layer.group_send("g", message(1))
            return not layer.channels[channel].empty()

        await await_until(arrives, 10, "a message arrives over the new connection")


@pytest.mark.slow
async def test_joins_while_redis_is_unavailable_do_not_wait_for_each_other(
    unconnected: Any, tmp_path: Path
) -> None:
    layer, port = unconnected
    with within(layer_module.OPEN_SECS * 5):
        channels = await asyncio.gather(*(layer.new_channel() for _ in range(SOCKETS)))
    with within(layer_module.SUBSCRIBE_SECS * 5):
        outcomes = await asyncio.gather(
            *(layer.group_add(f"g{number % 50}", channel) for number, channel in enumerate(channels)),
            return_exceptions=True,
        )
    assert {type(outcome) for outcome in outcomes} == {TimeoutError}
    assert layer.groups == {}  # a channel that could not join is no member
    with running(tmp_path, port):
        await asyncio.gather(*(layer.group_add("g", channel) for channel in channels))
        await layer.group_send("g", message(1))
        assert [await received(layer, channel, 1) for channel in channels] == [[1]] * SOCKETS


async def test_leaving_a_group_does_not_wait_for_redis(unconnected: Any, tmp_path: Path) -> None:
    layer, port = unconnected
    with running(tmp_path, port):
        channel = await layer.new_channel()
        await layer.group_add("g", channel)
        await layer.group_add("h", channel)
    with within(2):
        await layer.group_discard("g", channel)
    with running(tmp_path, port):
        await layer.group_add("i", channel)
        await layer.group_send("g", message(1))
        await layer.group_send("h", message(2))
        assert await received(layer, channel, 1) == [2]


async def test_the_queue_of_one_channel_is_bounded(layer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_module, "MAX_WAITING", 10)
    busy, idle = await layer.new_channel(), await layer.new_channel()
    for channel in (busy, idle):
        await layer.group_add("g", channel)
    for number in range(30):
        await layer.group_send("g", message(number))
        assert await received(layer, idle, 1) == [number]
    assert layer.channels[busy].qsize() == 10
    assert await received(layer, busy, 10) == list(range(10))


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no TCP_USER_TIMEOUT")
async def test_the_kernel_detects_a_dead_peer(layer: Any) -> None:
    await layer.new_channel()
    (connection,) = connections(layer)
    own = connection._writer.get_extra_info("socket")
    assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
    assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == layer_module.UNANSWERED_MS


async def test_groups_are_spread_over_all_hosts(redis_url: str) -> None:
    layer: Any = PipelinedChannelLayer(hosts=[redis_url, redis_url])
    groups = [f"{number}-of-eight" for number in range(8)]
    try:
        channel = await layer.new_channel()
        for number, group in enumerate(groups):
            await layer.group_add(group, channel)
            await layer.group_send(group, message(number))
        assert sorted(await received(layer, channel, 8)) == list(range(8))
        shards = [layer._get_shard(layer._get_layer()._get_group_channel_name(group)) for group in groups]
        assert len(set(shards)) == 2
        assert all(isinstance(shard, PipelinedShard) for shard in shards)
    finally:
        await layer.flush()


@pytest.mark.slow
async def test_a_join_without_waiting_receives_messages_once_redis_is_there(
    unconnected: Any, tmp_path: Path
) -> None:
    layer, port = unconnected
    channel = await layer.new_channel()
    layer.group_join("g", channel)
    with running(tmp_path, port):
        (shard,) = layer._shards
        async with asyncio.timeout(deadline()):
            await shard._subscriptions._channels[layer._get_layer()._get_group_channel_name("g")].wait()
        await layer.group_send("g", message(1))
        assert await received(layer, channel, 1) == [1]
        await layer.group_discard("g", channel)
        assert layer.groups == {}


async def _publisher(client: Redis) -> str:
    (found,) = [each["id"] for each in await client.client_list() if each["cmd"] == "publish"]
    return str(found)


async def test_the_publishing_connection_is_renewed(layer: Any, redis_url: str) -> None:
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        await layer.group_send("g", message(1))
        first = await _publisher(client)
        await layer.group_send("g", message(2))
        assert await _publisher(client) == first
        for shard in layer._shards:
            shard._renew_at = 0
        await layer.group_send("g", message(3))
        assert await _publisher(client) != first
