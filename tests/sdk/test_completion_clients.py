"""Other clients of chat completions: OpenAI's SDK for Node, LangChain, and the command `llm`."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.harness.processes import ROOT
from tests.harness.skips import skip_without
from tests.harness.upstream import text_of
from tests.harness.waiting import deadline
from tests.sdk.commands import llm
from tests.sdk.conftest import Api
from tests.sdk.test_responses import MODEL, Lake


@tool
def depth(title: str) -> str:
    """The depth of a lake."""
    return f"{title}: 309 m"


@pytest.fixture
def chat(served: Api) -> ChatOpenAI:
    return ChatOpenAI(
        model=MODEL,
        base_url=served.base_url,
        api_key=SecretStr(served.key),
        stream_usage=True,
        max_retries=0,
        timeout=deadline(),
    )


def test_langchain_asks_and_streams(chat: ChatOpenAI) -> None:
    assert chat.invoke("[words-8] once").content == text_of("words-8")
    pieces = [chunk for chunk in chat.stream("[words-8] in pieces") if isinstance(chunk, AIMessageChunk)]
    assert "".join(str(piece.content) for piece in pieces) == text_of("words-8")
    counts = [piece.usage_metadata["output_tokens"] for piece in pieces if piece.usage_metadata]
    assert sum(counts) == 8


def test_langchain_calls_tools(chat: ChatOpenAI) -> None:
    question = HumanMessage("[tool-depth+words-4] How deep?")
    bound = chat.bind_tools([depth])
    called = bound.invoke([question])
    [call] = called.tool_calls
    assert call["name"] == "depth"
    result = ToolMessage(depth.invoke(call["args"]), tool_call_id=call["id"])
    assert bound.invoke([question, called, result]).content == text_of("words-4")


def test_langchain_parses(chat: ChatOpenAI) -> None:
    for method in ("json_schema", "function_calling"):
        structured = chat.with_structured_output(Lake, method=method)
        assert structured.invoke("Which lake?") == Lake(name="Lake", depth=1.5, islands=["Lake"])


async def test_langchain_in_an_event_loop(chat: ChatOpenAI) -> None:
    pieces = [str(chunk.content) async for chunk in chat.astream("[words-8] in turn")]
    assert "".join(pieces) == text_of("words-8")


@pytest.mark.parametrize("mode", [(), ("--no-stream",)])
def test_the_command_llm_asks(served: Api, tmp_path: Path, mode: tuple[str, ...]) -> None:
    answer = of_command(served, tmp_path, "[words-8] of a command", *mode)
    assert answer == text_of("words-8")


def test_the_command_llm_shows_a_refusal(served: Api, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="rejected the request"):
        of_command(served, tmp_path, "[status-400] fails")


def test_the_sdk_for_node(served: Api) -> None:
    node = shutil.which("node")
    if node is None:
        skip_without("Node (Debian: apt-get install nodejs)")
    if not (ROOT / "node_modules/openai").exists():
        skip_without("OpenAI's SDK for Node (npm install)")
    found = json.loads(output_of(node, "tests/sdk/completing.mjs", served.base_url, served.key, MODEL))
    eight = text_of("words-8")
    assert found == {
        "whole": eight,
        "same": True,
        "deleted": "response_not_found",
        "raw": eight,
        "helped": eight,
        "tokens": 8,
        "ran": text_of("words-4"),
        "results": ["How deep?: 309 m"],
        "refused": "unsupported_parameter",
        "failed": "upstream_rejected",
    }


def of_command(served: Api, folder: Path, prompt: str, *options: str) -> str:
    """The answer that `llm` prints, with its database in the folder."""
    command = (served.base_url, prompt, "-m", MODEL, "--key", served.key)
    return llm(folder, *command, *options).removesuffix("\n")


def output_of(*command: str, **env: str) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=True,
        timeout=deadline(60),
    )
    return done.stdout
