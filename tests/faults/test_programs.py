"""The programs of docs/programs.md, whose workers are killed: answers end, and each step runs once."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from unittest.mock import patch

import pytest

from project.up.ports import HOST
from tests.faults.test_workers import assert_whole
from tests.harness import processes
from tests.harness.forks import ForkServer
from tests.harness.processes import ROOT
from tests.harness.socket_client import Event, Visitor, text_of, visiting
from tests.harness.stack import Stack, Ways, running
from tests.harness.upstream import text_of as upstream_text

LIBRARIES = ("langchain_openai", "langgraph.graph", "pydantic_ai")
DOCUMENT = (ROOT / "docs/programs.md").read_text()
FILES = dict(re.findall(r"```python\n# shop/(\w+\.py)\n(.*?)```", DOCUMENT, re.DOTALL))
SETTINGS = """
from project.settings import *
from project.settings import INSTALLED_APPS
INSTALLED_APPS = [*INSTALLED_APPS, "shop"]
"""
TABLE = "CREATE TABLE shop_page (id integer PRIMARY KEY, title varchar(200) NOT NULL, text text NOT NULL)"
PROGRAMS = {
    "support": "answers:support",
    "order": "order:order",
    "helper": "order:helper",
    "inquiry": "inquiry:inquiry",
    "retrieval": "retrieval:support",
    "agent": "agent:agent",
    "pydantic-ai": "typed_agent:support",
    "langgraph": "graph:support",
    "stuck": "stuck:stuck",
}
STUCK = """
import time


async def stuck(ask):
    yield "begun"
    if ask.attempt == 1:
        await ask.once("wait", time.sleep, 600)
    yield " ended"
"""
SLOW = "words-60@20"
# calls a function of its client, then shows its own argument
INQUIRY = """
import json
from dataclasses import asdict
from workers.programs import Ask, Call

async def inquiry(ask: Ask):
    if ask.messages[-1]["role"] != "tool":
        yield Call("look_up", {"name": "Ada"}, "call_ada")
    else:
        yield json.dumps([ask.text, ask.items, ask.messages, ask.tools])
"""
CONFIRM: Event = {"type": "function", "name": "confirm", "description": "Ask the person.", "strict": True}
CONFIRM["parameters"] = {"type": "object", "properties": {"total": {"type": "number"}}}
LOOK_UP = {"type": "function", "name": "look_up"}
FOUND = "The pump takes two litres."


def catalog(address: str) -> str:
    programs = "".join(f'[[models]]\nname = "{n}"\nprogram = "shop.{p}"\n' for n, p in PROGRAMS.items())
    server = f'[[models]]\nname = "scripted"\nbase_url = "{address}/v1"\nkey_env = "UPSTREAM_KEY"\n'
    return server + programs


@pytest.fixture(scope="module")
def _forks_with_recipes() -> Iterator[None]:
    """Start programs as forks that have the recipes' libraries, too: to import them takes four seconds."""
    with patch.object(processes, "forks", ForkServer(*LIBRARIES)) as forks:
        yield
        forks.close()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, _forks_with_recipes: None) -> Iterator[Stack]:
    """Two workers with the document's modules as the app `shop`."""
    directory, ways = tmp_path_factory.mktemp("programs"), Ways()
    (directory / "shop").mkdir()
    own = {"settings.py": SETTINGS, "inquiry.py": INQUIRY, "stuck.py": STUCK, "__init__.py": ""}
    for name, source in {**FILES, **own}.items():
        (directory / "shop" / name).write_text(source)
    env = {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "PYTHONPATH": str(directory),
        "OPENAI_BASE_URL": f"http://{HOST}:{ways.upstream}/v1",
        "OPENAI_API_KEY": "upstream-key",
        "DRAIN_SECONDS": "1",
    }
    with running(directory, 2, ways, catalog, **env) as stack:
        execute(stack, TABLE)
        yield stack


@pytest.fixture
def own(parts: Stack) -> Iterator[Stack]:
    """The same, with one page of the manual, and two workers again after a test."""
    parts.upstream.clear()
    execute(parts, "DELETE FROM shop_page")
    yield parts
    lost = [name for name, process in parts.processes.items() if not process.is_running]
    for name in lost:
        del parts.processes[name]
        parts.start_worker(f"{name}-again")
    parts.wait_for_workers(2)


def execute(stack: Stack, query: str, *values: str) -> None:
    with closing(sqlite3.connect(stack.directory / "db.sqlite3")) as database, database:
        database.execute(query, values)


async def answered(own: Stack, model: str, prompt: str) -> tuple[list[Event], list[Event]]:
    """Ask, kill the worker after some words, and lose the page that a step has found.

    Returns the events up to the restart, and those after it.
    """
    async with visiting(own.url) as visitor:
        await visitor.create(prompt, model)
        events = await visitor.until("response.output_text.delta")
        while len(text_of(events).split()) < 5:
            events.append(await visitor.next())
        row_id = events[0]["response"]["id"].removeprefix("resp_")
        own.processes[own.holder(row_id)].kill()
        execute(own, "DELETE FROM shop_page")
        events += await visitor.until("tailrace:restarted")
        after = await visitor.until("response.completed", "response.failed", "response.incomplete")
    assert_whole(events + after)
    assert after[-1]["type"] == "response.completed", after[-1]["response"]["error"]
    row = own.settled(row_id)
    assert (row["status"], row["output"], row["attempt"]) == ("completed", text_of(after), 2)
    return events, after


async def test_a_program_that_counts_ends(own: Stack) -> None:
    _, after = await answered(own, "demo-count", "count")
    assert text_of(after).splitlines() == [f"Number {number}" for number in range(10)]


async def test_a_program_that_passes_a_model_on_ends(own: Stack) -> None:
    prompt = f"[{SLOW}] pass it on"
    _, after = await answered(own, "support", prompt)
    assert text_of(after) == upstream_text(prompt)
    assert len(own.upstream.requests(prompt)) == 2


@pytest.mark.parametrize("model", ["retrieval", "langgraph"])
async def test_retrieval_ends_with_the_pages_that_it_has_found_once(own: Stack, model: str) -> None:
    execute(own, "INSERT INTO shop_page (title, text) VALUES (?, ?)", "Oil", FOUND)
    prompt = f"[{SLOW}] How much oil for the pump, {model}?"
    _, after = await answered(own, model, prompt)
    assert text_of(after) == upstream_text(prompt)
    first, second = own.upstream.requests(prompt)
    assert first.messages == second.messages
    assert FOUND in str(first.messages)


@pytest.mark.parametrize("model", ["agent", "pydantic-ai"])
async def test_an_agent_ends_and_calls_each_tool_once(own: Stack, model: str) -> None:
    title = f"Oil, for {model}"
    execute(own, "INSERT INTO shop_page (title, text) VALUES (?, ?)", title, FOUND)
    prompt = f"[tool-read-page+{SLOW}] {title}"
    _, after = await answered(own, model, prompt)
    assert text_of(after) == upstream_text(prompt)
    asked = own.upstream.requests(prompt)
    results = [record.messages[-1]["content"] for record in asked if record.messages[-1]["role"] == "tool"]
    assert len(asked) == 4
    assert [FOUND in result for result in results] == [True, True]


# calls of functions that the client has


async def called(own: Stack, visitor: Visitor, prompt: str, model: str, tool: Event) -> tuple[str, Event]:
    """Ask; return the text and the call, which events, object, log and row have alike."""
    events = await visitor.answer(prompt, model, tools=[tool])
    assert_whole(events)
    final = events[-1]["response"]
    call = final["output"][-1]
    assert (final["status"], call["type"], call["status"]) == ("completed", "function_call", "completed")
    arguments = [e["delta"] for e in events if e["type"] == "response.function_call_arguments.delta"]
    done = [e for e in events if e["type"] == "response.function_call_arguments.done"]
    assert [(e["item_id"], e["arguments"]) for e in done] == [(call["id"], "".join(arguments))]
    assert call["arguments"] == "".join(arguments)
    assert [e["item"] for e in events if e["type"] == "response.output_item.done"] == final["output"]
    assert json.loads(own.settled(final["id"])["items"]) == final["output"]
    await visitor.send({"type": "tailrace:subscribe", "response_id": final["id"]})
    assert (await visitor.next())["response"] == final
    await visitor.until("tailrace:up_to_date")
    return text_of(events), call | {"response_id": final["id"]}


async def replied(visitor: Visitor, model: str, call: Event, output: str, tool: Event) -> str:
    """Send the result of a call; return the text of the answer."""
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
    fields = {"input": [result], "previous_response_id": call["response_id"], "tools": [tool]}
    await visitor.send({"type": "response.create", "model": model, **fields})
    events = await visitor.until("response.completed", "response.failed", "error")
    assert events[-1]["type"] == "response.completed", events[-1]
    return text_of(events)


@pytest.mark.parametrize(("agreed", "expected"), [(True, "Ordered."), (False, "Not ordered.")])
async def test_a_question_to_the_client_has_its_answer_in_the_next_request(
    own: Stack, agreed: bool, expected: str
) -> None:
    async with visiting(own.url) as visitor:
        text, call = await called(own, visitor, "A pump, please.", "order", CONFIRM)
        assert (text, call["name"], call["arguments"]) == (
            "One pump costs 120 euros.\n",
            "confirm",
            '{"total": 120}',
        )
        assert await replied(visitor, "order", call, json.dumps({"agreed": agreed}), CONFIRM) == expected


async def test_a_program_sees_its_call_and_the_result_in_its_input(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        text, call = await called(own, visitor, "Who is it?", "inquiry", LOOK_UP)
        assert (text, call["call_id"]) == ("", "call_ada")
        seen = json.loads(await replied(visitor, "inquiry", call, "a countess", LOOK_UP))
    asked, (item,), messages, tools = seen
    assert (asked, tools) == ("Who is it?", [LOOK_UP])
    assert (item["type"], item["call_id"], item["output"]) == (
        "function_call_output",
        "call_ada",
        "a countess",
    )
    function = {"name": "look_up", "arguments": '{"name": "Ada"}'}
    assert messages == [
        {"role": "user", "content": "Who is it?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_ada", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_ada", "content": "a countess"},
    ]


async def test_the_clients_functions_are_passed_to_a_model_and_its_call_to_the_client(own: Stack) -> None:
    prompt = "[tool-confirm+words-3] 120 euros"
    async with visiting(own.url) as visitor:
        text, call = await called(own, visitor, prompt, "helper", CONFIRM)
        assert (text, json.loads(call["arguments"])) == ("", {"title": "120 euros"})
        assert await replied(visitor, "helper", call, "yes", CONFIRM) == upstream_text("words-3")
    first, second = own.upstream.requests(prompt)
    function = {name: value for name, value in CONFIRM.items() if name != "type"}
    assert first.body["tools"] == second.body["tools"] == [{"type": "function", "function": function}]
    assert [message["role"] for message in second.messages] == ["user", "assistant", "tool"]
    assert second.messages[1]["tool_calls"][0]["id"] == second.messages[2]["tool_call_id"] == call["call_id"]


async def test_a_worker_ends_though_a_function_in_a_thread_does_not(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        await visitor.create("wait", "stuck")
        events = await visitor.until("response.output_text.delta")
        row_id = events[0]["response"]["id"].removeprefix("resp_")
        worker = own.processes[own.holder(row_id)]
        assert await asyncio.to_thread(worker.stop) == 0
        after = await visitor.until("response.completed", "response.failed", "response.incomplete")
    assert text_of(after) == "begun ended"
    assert "threads of stopped programs that still run: 1" in worker.output()
