"""No password shows in Flower, Celery's report, the doctor, logs or the list of processes."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest

from tests.harness.processes import finished
from tests.harness.stack import CELERY, START_SECS, Stack
from tests.harness.waiting import wait_until

PASSWORD = "canary-of-redis"
SECRETS = (PASSWORD, "of-the-tests-", "upstream-key")  # also of SECRET_KEY and of the model
WORKER = "canary@test"


@pytest.fixture(scope="module")
def redis_url(stack: Stack) -> str:
    """The Redis of the stack, as a user with a password."""
    stack.redis("ACL", "SETUSER", "canary", "on", f">{PASSWORD}", "~*", "&*", "+@all")
    return stack.env["REDIS_URL"].replace("//", f"//canary:{PASSWORD}@")


@pytest.fixture(scope="module")
def flower(stack: Stack, redis_url: str) -> Iterator[str]:
    """Flower, and a worker that it shows."""
    worker = stack.start("canary", *CELERY, "worker", "-n", WORKER, REDIS_URL=redis_url)
    url = stack.start_flower(REDIS_URL=redis_url, FLOWER_UNAUTHENTICATED_API="true")
    wait_until(lambda: "conf" in _workers(url).get(WORKER, {}), START_SECS, "Flower knows the worker")
    yield url
    stack.processes["flower"].stop()
    worker.stop()


def _get(url: str) -> str:
    with urllib.request.urlopen(url) as reply:
        return str(reply.read().decode())


def _workers(url: str) -> dict[str, dict[str, object]]:
    return dict(json.loads(_get(f"{url}/api/workers?refresh=1")))


def found(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("path", ["/api/workers", f"/worker/{WORKER}", "/broker", "/workers?json=1", "/"])
def test_flower_shows_no_secret(flower: str, path: str) -> None:
    assert found(_get(flower + path)) == []


def test_flower_shows_celerys_settings_alone(flower: str) -> None:
    conf = _workers(flower)[WORKER]["conf"]
    assert isinstance(conf, dict)
    assert [name for name in conf if name.isupper()] == []


@pytest.mark.parametrize("command", ["report", "inspect conf", "inspect stats", "status"])
def test_celerys_commands_show_no_secret(stack: Stack, flower: str, redis_url: str, command: str) -> None:
    done = finished(*CELERY, *command.split(), env={**stack.env, "REDIS_URL": redis_url})
    assert done.stdout
    assert found(done.stdout + done.stderr) == []


def test_the_doctor_shows_no_secret(stack: Stack, redis_url: str) -> None:
    done = finished(CELERY[0], "manage.py", "doctor", env={**stack.env, "REDIS_URL": redis_url})
    assert "Redis prefix" in done.stdout
    assert found(done.stdout + done.stderr) == []


def test_no_log_and_no_command_line_has_a_secret(stack: Stack, flower: str) -> None:
    for part in ("canary", "flower", "web"):
        assert found(stack.processes[part].output()) == []
    listed = subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if "tests.harness.upstream" not in line]
    assert found("\n".join(ours)) == []
