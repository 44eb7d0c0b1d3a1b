"""`manage.py up` as a new user runs it: one command, the real local model, and no process left."""

import base64
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
import redis

from chat.transport import heartbeats
from project.up import guest_key
from project.up import running as running_up
from tests.harness.processes import finished, run
from tests.harness.skips import skip_without
from tests.harness.socket_client import TERMINAL, text_of, visiting
from tests.harness.stack import answers
from tests.harness.up import START_SECS, Up, running, without_servers
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.timeout(2 * START_SECS)


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
        events = await visitor.answer(prompt="Say hello", max_output_tokens=20)
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete")
    assert text_of(events) == last["response"]["output"][0]["content"][0]["text"]
    assert len(text_of(events)) > 1
    assert len([event for event in events if event["type"] == "response.output_text.delta"]) > 1
    assert last["response"]["usage"]["output_tokens"] > 1


def variable(up: Up, name: str) -> str:
    """A variable of the parts."""
    variables = running_up.variables_of(up.data_dir)
    assert variables is not None
    return str(variables[name])


def holder(up: Up, response_id: str) -> int:
    """The process id of the worker that has claimed a response."""
    with closing(sqlite3.connect(up.data_dir / "db.sqlite3")) as database:
        query = "SELECT worker FROM tailrace_response WHERE id = ?"
        ((worker_id,),) = database.execute(query, [response_id.removeprefix("resp_")]).fetchall()
    with redis.Redis.from_url(variable(up, "REDIS_URL")) as client:
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
    command = (sys.executable, "manage.py", "doctor", "--json", f"--data-dir={up.data_dir}")
    done = run(*command, env=without_servers())  # no finding is an error
    found = {finding["what"]: finding["found"] for finding in json.loads(done)["findings"]}
    assert found["deployment"] == f"the running `up` with its data in {up.data_dir}"
    assert found["workers"].endswith(" live")  # one may be starting again
    assert str(up.data_dir) in found["database"]
    assert found["model smollm2-135m-instruct"].endswith("OPENAI_API_KEY is set")


def test_no_other_user_of_the_machine_can_read_a_file_or_ask_redis_or_flower(up: Up) -> None:
    if os.getuid():
        skip_without("the root account, to become another user")
    port = urlsplit(variable(up, "REDIS_URL")).port
    below = Path(tempfile.gettempdir())
    for parent in takewhile(below.__ne__, up.data_dir.parents):  # so that its own mode decides
        parent.chmod(parent.stat().st_mode | 0o055)
    reads = (
        "import os, socket, sys; "
        "found = [os.path.join(at, name) for at, _, names in os.walk(sys.argv[1]) for name in names]; "
        "redis = socket.create_connection(('127.0.0.1', int(sys.argv[2]))); "
        "redis.sendall(b'KEYS *\\r\\n'); print(found, redis.recv(99))"
    )
    command = (shutil.which("python3", path="/usr/bin:/bin") or sys.executable, "-c", reads)
    done = finished(*command, str(up.data_dir), str(port), user="nobody", cwd="/", env={})
    assert done.stdout.startswith("[] b'-NOAUTH"), done.stderr
    assert up.data_dir.stat().st_mode & 0o777 == 0o700
    assert [path for path in up.data_dir.glob("*.sqlite3*") if path.stat().st_mode & 0o077] == []
    with pytest.raises(HTTPError, match="401"):
        urllib.request.urlopen(up.flower_url)
    login = re.search(r"user (\w+), password (\S+)\)", up.text())
    assert login is not None
    token = base64.b64encode(":".join(login.groups()).encode()).decode()
    request = urllib.request.Request(up.flower_url, headers={"Authorization": f"Basic {token}"})
    with urllib.request.urlopen(request) as page:
        assert page.status == 200


def test_no_password_is_in_a_command_line_and_only_workers_have_the_key_of_the_model(up: Up) -> None:
    url, key = variable(up, "REDIS_URL"), variable(up, "OPENAI_API_KEY")
    secrets = [str(urlsplit(url).password), key]
    children = up.children()
    assert [line for line in children for secret in secrets if secret in line] == []
    holders = [line for line, pid in children.items() if key.encode() in environment_of(pid)]
    assert all("worker" in line or "local_model" in line or "guard" in line for line in holders), holders
    (flower,) = [pid for line, pid in children.items() if "project.flower" in line]
    (valkey,) = [pid for line, pid in children.items() if "valkey-server" in line]
    for pid in (flower, valkey):
        assert not re.search(rb"SECRET_KEY=|DATABASE_URL=|OPENAI", environment_of(pid))


def test_the_shown_line_gives_programs_access_and_no_process_has_the_key(up: Up) -> None:
    found = re.search(r"OPENAI_BASE_URL=(\S+) OPENAI_API_KEY=(tr_\S+)", up.text())
    assert found is not None
    address, key = found.groups()
    request = urllib.request.Request(f"{address}/models", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as reply:
        assert "smollm2-135m-instruct" in [model["id"] for model in json.load(reply)["data"]]
    assert up.text().count(key) == 1
    assert (up.data_dir / guest_key.FILE_NAME).stat().st_mode & 0o777 == 0o600
    for line, pid in up.children().items():
        assert key not in line
        assert key.encode() not in environment_of(pid)


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def test_static_files_are_compressed_and_cached_for_ever(up: Up) -> None:
    with urllib.request.urlopen(up.url) as page:
        names = re.findall(r"/static/chat/built/page\.[0-9a-f]+\.(?:css|js)", page.read().decode())
    assert len(names) == 2
    for name in names:
        request = urllib.request.Request(up.url + name, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as file:
            assert "immutable" in file.headers["Cache-Control"]
            assert file.headers["Content-Encoding"] == "gzip"
