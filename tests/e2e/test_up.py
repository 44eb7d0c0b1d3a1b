"""`manage.py up` as a new user runs it: one command, the real local model, and no process left."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from chat.transport import heartbeats
from tests.harness.processes import ROOT
from tests.harness.socket_client import TERMINAL, text_of, visiting
from tests.harness.stack import answers
from tests.harness.up import START_SECS, Up, running, without_servers
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.local_model, pytest.mark.timeout(2 * START_SECS)]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, local_parts: None) -> Iterator[Up]:
    """Everything, started by one command; one signal stops it in order, and no process is left."""
    with running(tmp_path_factory.mktemp("up")) as up:
        up.until("stop          Ctrl-C")
        assert [line for line in up.text().splitlines() if not line.startswith("up ")] == []
        assert len(up.children()) == 7  # the guard, Redis, the model, the web server, two workers, Flower
        yield up
        assert up.stop() == 0
        assert up.started() == set()
        assert "Traceback" not in up.text()
        assert up.text().splitlines()[-1] == "up       | all parts have stopped"
        stopped = re.findall(r"^up +\| (\w+) (?:stopped|was ended)", up.text(), re.MULTILINE)
        assert [name.rstrip("12") for name in stopped[-6:]] == [
            *["web", "worker", "worker", "flower", "model", "redis"]
        ]


def test_every_address_of_the_summary_answers(up: Up) -> None:
    for fact in (up.url, up.flower_url, str(up.data_dir), "smollm2-135m-instruct", "Ctrl-C"):
        assert fact in up.text()
    assert "\x1b[" not in up.text()  # no colours outside a terminal
    pages = [f"{up.url}{path}" for path in ("/", "/minimal/", "/readyz")]
    assert all(answers(address) for address in (*pages, f"{up.flower_url}/healthcheck"))
    assert (up.data_dir / "db.sqlite3").exists()


async def test_the_local_model_answers_a_question(up: Up) -> None:
    async with visiting(up.url) as visitor:
        events = await visitor.answer(prompt="Say hello", max_output_tokens=60)
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete")
    assert text_of(events) == last["response"]["output"][0]["content"][0]["text"]
    assert len(text_of(events)) > 1
    assert len([event for event in events if event["type"] == "response.output_text.delta"]) > 1
    assert last["response"]["usage"]["output_tokens"] > 1


def holder(up: Up, response_id: str) -> int:
    """The process id of the worker that has claimed a response."""
    with closing(sqlite3.connect(up.data_dir / "db.sqlite3")) as database:
        query = "SELECT worker FROM tailrace_response WHERE id = ?"
        ((worker_id,),) = database.execute(query, [response_id.replace("-", "")]).fetchall()
    address = re.search(r"Redis +(redis://\S+)", up.text())
    assert address is not None
    with redis.Redis.from_url(address[1]) as client:
        return int(json.loads(client.get(heartbeats.key(worker_id)))["pid"])


async def test_the_local_model_continues_its_sentence_after_its_worker_was_killed(up: Up) -> None:
    async with visiting(up.url) as visitor:
        await visitor.create(prompt="Tell of the mill and of the river, at length.", max_output_tokens=150)
        before = await visitor.until("response.output_text.delta")
        while len(text_of(before).split()) < 12:
            before.append(await visitor.next())
        killed = holder(up, before[0]["response"]["id"])
        os.kill(killed, signal.SIGKILL)
        before += await visitor.until("tailrace:continued")
        after = await visitor.until(*TERMINAL)
    first, rest = text_of(before), text_of(after)
    assert after[-1]["response"]["status"] in ("completed", "incomplete")
    assert after[-1]["response"]["output"][0]["content"][0]["text"] == first + rest
    assert len(rest.split()) > 5
    assert not rest.startswith(first[:20]), "it continues, and does not restart"
    assert re.search(r"worker\d was ended by SIGKILL; it starts again in 0.5 s", up.text())
    wait_until(lambda: len(up.children()) == 7, START_SECS, "the worker is back")
    assert killed not in up.children().values()


def test_a_doctor_without_any_variable_finds_the_running_up(up: Up) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", f"--data-dir={up.data_dir}"],
        cwd=ROOT,
        env=without_servers(),
        stdout=subprocess.PIPE,
        check=True,  # no finding is an error
    )
    found = {finding["what"]: finding["found"] for finding in json.loads(done.stdout)["findings"]}
    assert found["deployment"] == f"the running `up` with its data in {up.data_dir}"
    assert found["workers"].endswith(" live")  # one may be starting again
    assert str(up.data_dir) in found["database"]
    assert found["model smollm2-135m-instruct"].endswith("OPENAI_API_KEY is set")


def test_static_files_are_compressed_and_cached_for_ever(up: Up) -> None:
    with urllib.request.urlopen(up.url) as page:
        names = re.findall(r"/static/chat/(?:styles/)?page\.[0-9a-f]+\.(?:css|js)", page.read().decode())
    assert len(names) == 2
    for name in names:
        request = urllib.request.Request(up.url + name, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as file:
            assert "immutable" in file.headers["Cache-Control"]
            assert file.headers["Content-Encoding"] == "gzip"
