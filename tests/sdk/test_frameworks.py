"""Programs that stand on OpenAI's SDK: LangChain, OpenAI's Agents SDK, and the command `llm`."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from agents import (
    Agent,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from pydantic import BaseModel, SecretStr

from tests.harness.pictures import png
from tests.harness.upstream import text_of
from tests.harness.upstream.digests import digest_of
from tests.sdk.commands import llm
from tests.sdk.conftest import Api
from tests.sdk.judging import Judge, judged_async_client
from tests.sdk.recording import recorded_http

MODEL = "scripted"


class Lake(BaseModel):
    """A lake."""

    name: str
    depth: float


@tool
def depth(title: str) -> str:
    """The depth of a lake."""
    return f"309 m: {title}"


@pytest.fixture
def chat(served: Api, judge: Judge) -> Iterator[ChatOpenAI]:
    """LangChain's model over responses, which names the one before."""
    with recorded_http(judge.replies) as http:
        yield ChatOpenAI(
            model=MODEL,
            base_url=served.base_url,
            api_key=SecretStr(served.key),
            http_client=http,
            use_responses_api=True,
            use_previous_response_id=True,
            max_retries=0,
        )


def test_langchain_asks_and_streams(chat: ChatOpenAI) -> None:
    assert chat.invoke("[words-7] LangChain").text == text_of("words-7")
    pieces = [piece.text for piece in chat.stream("[words-7@20] LangChain, a stream")]
    assert "".join(pieces) == text_of("words-7")
    assert len([piece for piece in pieces if piece]) > 1


def test_langchain_continues_by_the_previous_id(chat: ChatOpenAI, served: Api) -> None:
    history: list[Any] = [HumanMessage("[words-2] LangChain, first")]
    history += [chat.invoke(history), HumanMessage("[words-2] LangChain, second")]
    chat.invoke(history)
    [record] = served.stack.upstream.requests("[words-2] LangChain, second")
    assert [message["role"] for message in record.messages] == ["user", "assistant", "user"]


def test_langchain_calls_functions(chat: ChatOpenAI) -> None:
    bound = chat.bind_tools([depth])
    history: list[Any] = [HumanMessage("[tool-depth+words-3] LangChain calls")]
    called = bound.invoke(history)
    assert isinstance(called, AIMessage)
    results = [depth.invoke(call) for call in called.tool_calls]
    assert [type(result) for result in results] == [ToolMessage]
    assert bound.invoke([*history, called, *results]).text == text_of("words-3")


def test_langchain_parses(chat: ChatOpenAI) -> None:
    assert chat.with_structured_output(Lake).invoke("Which lake?") == Lake(name="Lake", depth=1.5)


@function_tool
def find(title: str) -> str:
    """Find a lake."""
    return f"found: {title}"


@function_tool
def measure(title: str) -> str:
    """Measure a lake."""
    return f"309 m: {title}"


@pytest.fixture
async def agents_client(served: Api, judge: Judge) -> AsyncIterator[AsyncOpenAI]:
    set_tracing_disabled(True)  # it would send traces to OpenAI
    async with judged_async_client(served.base_url, served.key, judge) as client:
        yield client


def agent_of(client: AsyncOpenAI, **options: Any) -> Agent[Any]:
    model = OpenAIResponsesModel(MODEL, client)
    return Agent("Limnologist", instructions="Be brief.", tools=[find, measure], model=model, **options)


async def test_an_agent_uses_its_tools(agents_client: AsyncOpenAI) -> None:
    agent = agent_of(agents_client)
    first = await Runner.run(agent, "[tool-find+words-3] an agent")
    assert first.final_output == text_of("words-3")
    second = Runner.run_streamed(
        agent, "[tool-measure+words-4] an agent", previous_response_id=first.last_response_id
    )
    kinds = [event.type async for event in second.stream_events()]
    assert second.final_output == text_of("words-4")
    assert "raw_response_event" in kinds
    outputs = [item.output for item in second.new_items if item.type == "tool_call_output_item"]
    assert outputs == ["309 m: an agent"]


async def test_an_agent_answers_in_a_form(agents_client: AsyncOpenAI) -> None:
    result = await Runner.run(agent_of(agents_client, output_type=Lake), "Which lake?")
    assert result.final_output == Lake(name="Lake", depth=1.5)


def of_command(api: Api, home: Path, *arguments: str) -> str:
    """The answer that `llm` prints."""
    return llm(home, api.base_url, *arguments, "--responses", "--key", api.key)


def test_the_command_llm_sends_a_picture_and_calls_a_function(served: Api, tmp_path: Path) -> None:
    prompt, picture = "[tool-depth+words-4] llm sees", tmp_path / "lake.png"
    picture.write_bytes(png(3))
    code = "def depth(title: str) -> str:\n    return '309 m'"
    asked = ("-m", "scripted-vision", "--at", str(picture), "image/png", "--functions", code)
    assert of_command(served, tmp_path, prompt, *asked).strip() == text_of("words-4")
    first, second = served.stack.upstream.requests(prompt)
    assert first.files == second.files == [digest_of("image/png", picture.read_bytes())]
    assert second.messages[-1]["content"] == "309 m"


def test_the_command_llm_demands_a_form(served: Api, tmp_path: Path) -> None:
    parsed = of_command(served, tmp_path, "Which lake?", "-m", MODEL, "--schema", "name, depth float")
    assert json.loads(parsed) == {"name": "Lake", "depth": 1.5}
