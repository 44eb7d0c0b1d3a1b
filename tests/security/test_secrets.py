"""No password shows in Flower, Celery's report, the doctor, logs or the list of processes."""

import subprocess
import urllib.request

import pytest

from tests.harness.processes import finished
from tests.harness.stack import CELERY, Stack
from tests.security.conftest import OBSERVED, REDIS_PASSWORD, shown_workers

SECRETS = (REDIS_PASSWORD, "of-the-tests-", "upstream-key")  # also of SECRET_KEY and of the model


def _get(url: str) -> str:
    with urllib.request.urlopen(url) as reply:
        return str(reply.read().decode())


def found(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("path", ["/api/workers", f"/worker/{OBSERVED}", "/broker", "/workers?json=1", "/"])
def test_flower_shows_no_secret(flower: str, path: str) -> None:
    assert found(_get(flower + path)) == []


def test_flower_shows_celerys_settings_alone(flower: str) -> None:
    conf = shown_workers(flower)[OBSERVED]["conf"]
    assert isinstance(conf, dict)
    assert [name for name in conf if name.isupper()] == []


@pytest.mark.parametrize("command", ["report", "inspect conf", "inspect stats", "status"])
def test_celerys_commands_show_no_secret(
    stack: Stack, flower: str, redis_with_password: str, command: str
) -> None:
    done = finished(*CELERY, *command.split(), env={**stack.env, "REDIS_URL": redis_with_password})
    assert done.stdout
    assert found(done.stdout + done.stderr) == []


def test_the_doctor_shows_no_secret(stack: Stack, redis_with_password: str) -> None:
    done = finished(CELERY[0], "manage.py", "doctor", env={**stack.env, "REDIS_URL": redis_with_password})
    assert "Redis prefix" in done.stdout
    assert found(done.stdout + done.stderr) == []


def test_no_log_and_no_command_line_has_a_secret(stack: Stack, flower: str) -> None:
    for part in ("canary", "flower", "web"):
        assert found(stack.processes[part].output()) == []
    listed = subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if "tests.harness.upstream" not in line]
    assert found("\n".join(ours)) == []
