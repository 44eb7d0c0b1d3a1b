"""A program's socket while the web server stops: the SDK reconnects, and resumes what it follows."""

import asyncio
import json
import signal
from typing import Any

import pytest
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosed

from chat.protocol.errors import MOVING
from tests.faults.harness import Harness
from tests.harness.upstream import text_of
from tests.harness.waiting import await_until, deadline

LOST = 1006  # the close code of a connection that broke
WORDS = "words-60@15"
BEGUN = 3  # events with text
OF_SUBSCRIBERS = {"tailrace:up_to_date", "tailrace:heartbeat", "tailrace:conversation", "tailrace:queue"}
PATIENT: dict[str, Any] = {"max_retries": 100, "max_delay": 1.0}


class Lane:
    """One answer, as far as it was read."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    @property
    def text(self) -> str:
        return "".join(event.get("delta", "") for event in self.events)

    @property
    def has_begun(self) -> bool:
        return len([event for event in self.events if "delta" in event]) >= BEGUN

    @property
    def has_ended(self) -> bool:
        return bool(self.events) and self.events[-1]["type"] == "response.completed"

    def resumption(self, name: str) -> str:
        """The command that follows it over another socket."""
        fields = {"response_id": self.events[0]["response"]["id"], "stream_id": name}
        last = self.events[-1]["sequence_number"]
        return json.dumps({"type": "tailrace:subscribe", "starting_after": last} | fields)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, MOVING), (signal.SIGKILL, LOST)])
async def test_the_sdk_reconnects_and_resumes(harness: Harness, how: signal.Signals, code: int) -> None:
    lanes, closes, others = {"kept": Lane(), "unstored": Lane()}, list[int](), set[str]()
    key = await asyncio.to_thread(harness.stack.new_key, f"sockets-{code}")
    async with (
        asyncio.timeout(deadline(120)),
        AsyncOpenAI(base_url=f"{harness.stack.url}/v1", api_key=key) as client,
        client.responses.connect(
            on_reconnecting=lambda event: closes.append(event.close_code), **PATIENT
        ) as connection,
    ):
        for name in lanes:
            prompt, is_kept = f"[{WORDS}] {name} {code}", name == "kept"
            await connection.response.create(model="scripted", input=prompt, stream_id=name, store=is_kept)
        restarting = asyncio.create_task(restart(harness, how, connection, lanes, closes))
        async for event in connection:
            found: dict[str, Any] = event.to_dict()
            if found["type"] == "error":  # Redis did not reply for a moment
                assert found["error"]["code"] == "busy"
                await send(connection, lanes[found["stream_id"]].resumption(found["stream_id"]))
            else:
                take(lanes, others, found)
            if all(lane.has_ended for lane in lanes.values()):
                break
        await restarting
    assert closes[0] == code
    for lane in lanes.values():
        assert lane.text == text_of(WORDS)
        numbers = [event["sequence_number"] for event in lane.events]
        assert numbers == list(range(len(numbers)))
    assert others <= OF_SUBSCRIBERS


def take(lanes: dict[str, Lane], others: set[str], event: dict[str, Any]) -> None:
    """Note an event."""
    if event["type"].startswith("response."):
        lanes[event["stream_id"]].events.append(event)
    else:
        others.add(event["type"])


async def restart(
    harness: Harness, how: signal.Signals, connection: Any, lanes: dict[str, Lane], closes: list[int]
) -> None:
    """Stop the web server and start it again; send the commands that resume, which wait for the socket."""
    await await_until(lambda: all(lane.has_begun for lane in lanes.values()), 60, "both answers have begun")
    await asyncio.to_thread(harness.stack.processes["web"].stop, how)
    await await_until(lambda: bool(closes), 60, "the SDK has read to the close")
    for name, lane in lanes.items():
        await send(connection, lane.resumption(name))
    await asyncio.to_thread(harness.start_web)


async def send(connection: Any, command: str) -> None:
    """Send a command, again while the SDK has not noticed yet that its connection is closed."""

    async def is_sent() -> bool:
        try:
            await connection.send_raw(command)
        except ConnectionClosed:
            return False
        return True

    await await_until(is_sent, 60, "the SDK has taken the command")
