"""The official SDKs, and OpenAI's Agents SDK, talk to a whole Tailrace over the socket of programs."""

import asyncio
import json
import shutil
import subprocess
from typing import Any

import pytest
from agents import Agent, OpenAIResponsesWSModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI, OpenAI
from openai.lib.responses_websocket import (
    AsyncResponsesWebSocketSession,
    ResponsesWebSocketError,
    ResponsesWebSocketLimits,
    ResponsesWebSocketSession,
)
from openai.types.websocket_reconnection import is_recoverable_close
from websockets.exceptions import ConnectionClosed

from chat.protocol.errors import MOVING, SIGNED_OUT, SLOW_READER, TOO_MANY
from tests.harness.processes import ROOT
from tests.harness.skips import skip_without
from tests.harness.stack import Stack
from tests.harness.waiting import deadline
from tests.sdk.conftest import Api
from tests.sdk.schemas import openai

MODEL = "scripted"
END = ("response.completed", "response.incomplete", "response.failed", "error")
LANES = ("a", "B.2", "c-3_")
LIMITS = ResponsesWebSocketLimits(
    max_lanes=8,
    max_events_per_lane=1_000,
    max_events=4_000,
    max_bytes_per_lane=1024 * 1024,
    max_bytes=4 * 1024 * 1024,
)


def read(connection: Any) -> list[Any]:
    """The typed events of one answer, or of a refusal; each is what OpenAI's document says."""
    events: list[Any] = []
    while not events or events[-1].type not in END:
        raw = connection.recv_bytes()
        plain = {name: value for name, value in json.loads(raw).items() if name != "stream_id"}
        if plain["type"] != "error":
            assert openai().faults(plain) == []
        events.append(connection.parse_event(raw))
    return events


def test_the_sdk_for_python_asks_and_goes_on(client: OpenAI) -> None:
    with client.responses.connect() as connection:
        connection.response.create(model=MODEL, input="[reasoning-3+words-40@200] Count")
        events = read(connection)
        assert events[0].type == "response.created"
        assert [event.sequence_number for event in events] == list(range(len(events)))
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert "".join(deltas) == events[-1].response.output_text
        assert len(events[-1].response.output_text.split()) == 40
        connection.response.create(model="none", input="?")
        (error,) = read(connection)
        assert (error.error.code, error.error.param, error.status) == ("model_not_found", "model", 404)


def test_a_chain_that_is_not_stored_remembers(client: OpenAI, stack: Stack) -> None:
    previous: dict[str, Any] = {}
    with client.responses.connect() as connection:
        for number in range(4):
            connection.response.create(model=MODEL, input=f"[echo] {number}", store=False, **previous)
            response = read(connection)[-1].response
            assert (response.output_text, response.store, response.conversation) == (str(number), False, None)
            previous = {"previous_response_id": response.id}
    asked = stack.upstream.requests(f"[echo] {number}")[-1]
    assert len(asked.messages) == 7


async def test_lanes_of_a_session_run_side_by_side_and_each_in_its_order(async_client: AsyncOpenAI) -> None:
    async with (
        asyncio.timeout(deadline(60)),
        async_client.responses.connect() as connection,
        AsyncResponsesWebSocketSession(connection, limits=LIMITS) as session,
    ):
        lanes = [session.lane(name) for name in LANES]

        async def talk(lane: Any) -> list[str]:
            texts = []
            for number in range(3):
                command = {"type": "response.create", "model": MODEL, "input": f"[echo] {number}"}
                await lane.send(command)
                texts.append((await lane.get_final_response()).output_text)
            return texts

        assert await asyncio.gather(*map(talk, lanes)) == [["0", "1", "2"]] * len(LANES)
        await lanes[0].send({"type": "response.create", "model": "none", "input": "?"})
        with pytest.raises(ResponsesWebSocketError):
            await lanes[0].get_final_response()
        assert await talk(lanes[0]) == ["0", "1", "2"]
        with pytest.raises(TimeoutError):  # nothing came outside the lanes
            async with asyncio.timeout(0):
                await session.default.recv()


def test_a_session_of_the_synchronous_sdk(client: OpenAI) -> None:
    with (
        client.responses.connect() as connection,
        ResponsesWebSocketSession(connection, limits=LIMITS) as session,
    ):
        lane = session.lane("a")
        lane.send({"type": "response.create", "model": MODEL, "input": "[echo] Two metres."})
        assert lane.get_final_response(timeout=deadline()).output_text == "Two metres."


def test_the_sdk_for_node_asks(served: Api) -> None:
    node = shutil.which("node")
    if node is None:
        skip_without("Node (Debian: apt-get install nodejs)")
    if not (ROOT / "node_modules/ws").exists():
        skip_without("ws, for OpenAI's SDK for Node (npm install)")
    done = subprocess.run(
        [node, "tests/sdk/sockets.mjs", served.base_url, served.key, MODEL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=deadline(60),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"a": "Two", "b": "metres.", "refused": "model_not_found"}


@function_tool
def save(title: str) -> str:
    """Save a title."""
    return f"saved {title}"


async def test_agents_run_over_the_socket(served: Api) -> None:
    set_tracing_disabled(True)  # it would send traces to OpenAI
    client = AsyncOpenAI(base_url=served.base_url, api_key=served.key)
    model = OpenAIResponsesWSModel(model=MODEL, openai_client=client)
    agent = Agent(name="Surveyor", instructions="Save it.", model=model, tools=[save])
    async with asyncio.timeout(deadline(60)):
        result = await Runner.run(agent, "[tool-save+echo] Two metres.")
        assert result.final_output == "Two metres."
        outputs = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
        assert outputs == ["saved Two metres."]
        streamed = Runner.run_streamed(agent, "[echo] And now?", previous_response_id=result.last_response_id)
        async for _ in streamed.stream_events():
            pass
        assert streamed.final_output == "And now?"
        await model.close()


async def test_a_wrong_key_ends_the_connection_with_a_sentence(api: Api) -> None:
    tries: list[Any] = []
    async with asyncio.timeout(deadline()), AsyncOpenAI(base_url=api.base_url, api_key="tr_wrong") as client:
        connecting = client.responses.connect(on_reconnecting=tries.append)
        async with connecting as connection:
            error: Any = await connection.recv()
            assert (error.error.code, error.status) == ("invalid_api_key", 401)
            with pytest.raises(ConnectionClosed):
                async for _ in connection:
                    pass
    assert tries == []


def test_the_sdk_returns_after_a_move_and_not_after_a_refusal() -> None:
    assert is_recoverable_close(MOVING)
    assert not any(map(is_recoverable_close, (SIGNED_OUT, SLOW_READER, TOO_MANY)))
