"""The programs of docs/programs.md, whose workers are killed: answers end, and each step runs once."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from project.up.ports import HOST
from tests.faults.test_workers import assert_whole
from tests.harness.processes import ROOT
from tests.harness.socket_client import Event, text_of, visiting
from tests.harness.stack import Stack, Ways, running
from tests.harness.upstream import text_of as upstream_text

pytestmark = pytest.mark.e2e

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
    "retrieval": "retrieval:support",
    "agent": "agent:agent",
    "pydantic-ai": "typed_agent:support",
    "langgraph": "graph:support",
}
SLOW = "words-60@20"
FOUND = "The pump takes two litres."


def catalog(address: str) -> str:
    programs = "".join(f'[[models]]\nname = "{n}"\nprogram = "shop.{p}"\n' for n, p in PROGRAMS.items())
    server = f'[[models]]\nname = "scripted"\nbase_url = "{address}/v1"\nkey_env = "UPSTREAM_KEY"\n'
    return server + programs


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two workers with the document's modules as the app `shop`."""
    directory, ways = tmp_path_factory.mktemp("programs"), Ways()
    (directory / "shop").mkdir()
    for name, source in {**FILES, "settings.py": SETTINGS, "__init__.py": ""}.items():
        (directory / "shop" / name).write_text(source)
    env = {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "PYTHONPATH": str(directory),
        "OPENAI_BASE_URL": f"http://{HOST}:{ways.upstream}/v1",
        "OPENAI_API_KEY": "upstream-key",
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
