"""Three servers for queues, logs and groups: an answer survives the restart of each."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.harness import valkey
from tests.harness.processes import Process
from tests.harness.socket_client import TERMINAL, text_of, visiting
from tests.harness.stack import DEPLOYED, MODELS, Stack, running
from tests.harness.upstream import text_of as upstream_text

SCRIPT = "words-120@20"  # 6 s


@dataclass(frozen=True)
class Servers:
    """A Tailrace, and its three servers."""

    stack: Stack
    broker: valkey.OwnValkey
    layer: valkey.OwnValkey

    def restart(self, name: str) -> None:
        """Kill a server, and start it with its data."""
        if name == "log":
            self.stack.processes["redis"].kill()
            self.stack.start_redis()
            return
        server = self.broker if name == "broker" else self.layer
        Process.kill(server)
        server.start()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, static_files: Path) -> Iterator[Servers]:
    with ExitStack() as stack:
        broker, layer = (
            stack.enter_context(valkey.running(tmp_path_factory.mktemp(name))) for name in ("broker", "layer")
        )
        env = {
            **DEPLOYED,
            "TAILRACE_STATIC_ROOT": str(static_files),
            "TAILRACE_BROKER_URL": broker.url,
            "TAILRACE_LAYER_URL": layer.url,
        }
        parts = stack.enter_context(running(tmp_path_factory.mktemp("log"), 1, None, MODELS, **env))
        yield Servers(parts, broker, layer)


@pytest.mark.parametrize("name", ["broker", "log", "layer"])
async def test_an_answer_survives_the_restart(servers: Servers, name: str) -> None:
    async with visiting(servers.stack.url) as visitor:
        await visitor.create(f"[{SCRIPT}] {name}")
        events = await visitor.until("response.output_text.delta")
        await asyncio.to_thread(servers.restart, name)
        events += await visitor.until(*TERMINAL)
        assert events[-1]["response"]["status"] == "completed"
        assert text_of(events) == upstream_text(SCRIPT)
        assert servers.stack.settled(events[0]["response"]["id"])["output"] == upstream_text(SCRIPT)
        await asyncio.to_thread(servers.stack.wait_for_workers, 1)
        assert (await visitor.answer())[-1]["type"] == "response.completed"


def keys_of(url: str) -> set[bytes]:
    with redis.Redis.from_url(url) as client:
        return {key.partition(b":")[2].partition(b":")[0] for key in client.scan_iter("*")}


def test_each_server_has_its_own_part(servers: Servers) -> None:
    kept = {b"response", b"worker", b"workers", b"reaper", b"tidied"}
    assert keys_of(servers.stack.env["REDIS_URL"]) <= kept
    assert {name for name in keys_of(servers.broker.url) if not name.startswith(b"_kombu")} <= {b"responses"}
    assert keys_of(servers.layer.url) == set()
    with redis.Redis.from_url(servers.layer.url) as layer, redis.Redis.from_url(servers.broker.url) as broker:
        groups = [name for name in layer.pubsub_channels("*") if b"__group__" in name]
        assert groups
        assert not [name for name in broker.pubsub_channels("*") if b"__group__" in name]
