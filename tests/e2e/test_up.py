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
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from project.up import ports
from tests.harness.processes import ROOT
from tests.harness.socket_client import TERMINAL, text_of, visiting
from tests.harness.stack import answers
from tests.harness.waiting import wait_until

START_SECS = 240  # load the model, migrate, start seven processes on a busy machine
STOP_SECS = 30
pytestmark = [pytest.mark.e2e, pytest.mark.local_model, pytest.mark.timeout(2 * START_SECS)]
# with one of these, `up` would leave out the embedded part
OUTSIDE = {
    "REDIS_URL",
    "DATABASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "TAILRACE_MODELS",
}


@dataclass
class Up:
    """A running `manage.py up`."""

    popen: subprocess.Popen[bytes]
    url: str
    flower_url: str
    log: Path
    data_dir: Path

    def output(self) -> str:
        """Return its output so far."""
        return self.log.read_text(errors="replace")

    def started(self) -> set[int]:
        """Return the ids of all processes with our data directory in their environment or as their cwd."""
        mark = str(self.data_dir).encode()
        processes = (path for path in Path("/proc").glob("[0-9]*") if path.name != str(self.popen.pid))
        return {int(at.name) for at in processes if mark in _environment_and_cwd(at)}


def _environment_and_cwd(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes() + bytes((process / "cwd").readlink())
    except OSError:  # it has ended, or it is not ours
        return b""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Everything, started by one command; one signal stops it, and no process is left."""
    directory = tmp_path_factory.mktemp("up")
    port, flower_port = ports.pick_free(), ports.pick_free()
    options = [f"--port={port}", f"--flower-port={flower_port}", f"--data-dir={directory / 'data'}"]
    log = directory / "up.log"
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [sys.executable, "manage.py", "up", *options],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in OUTSIDE},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Up(
        popen, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{flower_port}", log, directory / "data"
    )
    try:
        wait_until(
            lambda: "Tailrace runs." in running.output() or popen.poll() is not None,
            START_SECS,
            "the summary",
        )
        assert popen.poll() is None, running.output()
        assert len(running.started()) >= 6, "Valkey, the model, the web server, two workers and Flower"
        yield running
        popen.send_signal(signal.SIGTERM)
        assert popen.wait(STOP_SECS) == 0, running.output()
        assert running.started() == set()
    finally:
        popen.kill()
        popen.wait()


async def test_the_local_model_answers_a_question(up: Up) -> None:
    assert answers(f"{up.url}/readyz")
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
    address = re.search(r"Redis +(redis://\S+)", up.output())
    assert address is not None
    with redis.Redis.from_url(address[1]) as client:
        return int(json.loads(client.get(f"worker:{worker_id}"))["pid"])


async def test_the_local_model_continues_its_sentence_after_its_worker_was_killed(up: Up) -> None:
    async with visiting(up.url) as visitor:
        await visitor.create(prompt="Tell of the mill and of the river, at length.", max_output_tokens=150)
        before = await visitor.until("response.output_text.delta")
        while len(text_of(before).split()) < 12:
            before.append(await visitor.next())
        os.kill(holder(up, before[0]["response"]["id"]), signal.SIGKILL)
        before += await visitor.until("tailrace:continued")
        after = await visitor.until(*TERMINAL)
    first, rest = text_of(before), text_of(after)
    assert after[-1]["response"]["status"] in ("completed", "incomplete")
    assert after[-1]["response"]["output"][0]["content"][0]["text"] == first + rest
    assert len(rest.split()) > 5
    assert not rest.startswith(first[:20]), "it continues, and does not restart"


def test_a_doctor_without_any_variable_finds_the_running_up(up: Up) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", f"--data-dir={up.data_dir}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OUTSIDE},
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


def test_the_summary_lists_every_address(up: Up) -> None:
    output = up.output()
    for fact in (up.url, up.flower_url, str(up.data_dir), "smollm2-135m-instruct", "Ctrl-C"):
        assert fact in output
    assert answers(f"{up.flower_url}/healthcheck")
    assert "\x1b[" not in output  # no colours outside a terminal
