"""The Flower of `up` shows no line for what passes by itself."""

import base64
import os
import urllib.request
from pathlib import Path

import pytest

from project.up.environment import Embedded
from project.up.parts import Options, Part, plan
from project.up.ports import HOST
from tests.harness.processes import Process, free_port
from tests.harness.stack import answers
from tests.harness.waiting import deadline

ACCOUNT = "somebody:secret"
START_SECS = 60


@pytest.fixture
def flower(valkey_url: str, tmp_path: Path) -> Part:
    env = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": valkey_url,
        "TAILRACE_PREFIX": "without-workers",
        "FLOWER_BASIC_AUTH": ACCOUNT,
    }
    options = Options(port=free_port(), flower_port=free_port(), workers=1, data_dir=tmp_path)
    return plan(options, Embedded(None, None), env, drain_secs=1).processes[-1]


@pytest.mark.slow
def test_a_worker_that_does_not_reply_is_no_line(flower: Part, tmp_path: Path) -> None:
    port = next(word for word in flower.command if word.startswith("--port=")).removeprefix("--port=")
    process = Process(tmp_path / "flower.log", flower.command, flower.env).start()
    try:
        process.wait_until(lambda: answers(f"http://{HOST}:{port}/healthcheck"), START_SECS)
        token = base64.b64encode(ACCOUNT.encode()).decode()
        address = f"http://{HOST}:{port}/api/workers?refresh=1"  # asks every worker, and waits
        request = urllib.request.Request(address, headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=deadline()) as reply:
            assert reply.status == 200
        assert process.output() == ""
    finally:
        process.kill()
