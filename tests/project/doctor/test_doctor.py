"""The command itself, `project.management.commands.doctor`, as a separate process."""

import io
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from redis import Redis

from project.doctor import examination
from project.doctor.examination import Part
from project.doctor.finding import ok
from project.up.ports import HOST
from tests.harness.model_server import Service, serving
from tests.harness.processes import finished
from tests.harness.valkey import OwnValkey
from tests.harness.waiting import deadline

pytestmark = pytest.mark.slow

ENDS_SECS = 60  # two unresponsive parts, on a busy machine
LONG_KEY = "vR3hVb9ZkQ0pXy7LmN2sTg5WdJ8cFa1eUiOoPqKz4BxYw6HnMl"


class Patient:
    """A deployment with nothing but its settings and a Redis."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        given = {"REDIS_URL": redis_url, "TAILRACE_DATA_DIR": str(folder), "OPENAI_API_KEY": "key-hush"}
        outside = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self.env = {**outside, **given, "TAILRACE_MODELS": "", "LOG_LEVEL": "INFO"}

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return finished(
            sys.executable, "manage.py", *arguments, env=self.env | env, timeout=deadline(ENDS_SECS)
        )

    def examined(self, **env: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """Return the exit code, and the findings by their check."""
        done = self.run("doctor", "--json", **env)
        assert done.stderr == ""
        report = json.loads(done.stdout)
        assert report["ok"] == (done.returncode == 0)
        return done.returncode, {finding["what"]: finding for finding in report["findings"]}


@pytest.fixture
def patient(own_valkey: OwnValkey, tmp_path: Path) -> Patient:
    return Patient(tmp_path, own_valkey.url)


def errors(found: dict[str, dict[str, Any]]) -> set[str]:
    return {what for what, finding in found.items() if finding["state"] == "error"}


def test_the_faults_of_an_empty_checkout_are_found_one_by_one(patient: Patient, redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("appendonly", "no")
    code, found = patient.examined()
    assert (code, errors(found)) == (1, {"Redis eviction", "database", "workers"})
    assert found["Redis persistence"]["state"] == "warning"
    assert patient.run("migrate", "tailrace", "zero").returncode == 0
    _, found = patient.examined()
    assert errors(found) == {"Redis eviction", "migrations", "workers"}
    assert found["responses"]["state"] == "warning"
    assert patient.run("migrate").returncode == 0
    redis.config_set("maxmemory-policy", "noeviction")
    code, found = patient.examined()
    assert (code, errors(found)) == (1, {"workers"})


def test_careless_settings_are_found_and_no_secret_is_shown(patient: Patient, redis: Redis) -> None:
    redis.config_set("requirepass", "right-hush")
    careless = {
        "SECRET_KEY": LONG_KEY,
        "ALLOWED_HOSTS": "*",
        "TAILRACE_ORIGINS": "https://chat.example.org",
        "TAILRACE_HTTPS": "0",
        "DATABASE_URL": f"postgres://user:database-hush@{HOST}:1/name",
        "REDIS_URL": patient.env["REDIS_URL"].replace("//", "//:wrong-hush@"),
    }
    done = patient.run("doctor", **careless)
    assert done.returncode == 1
    assert "hush" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = {line[9:].split("  ")[0]: line.split()[0] for line in done.stdout.splitlines() if line}
    assert {what for what, state in lines.items() if state == "error"} == {"Redis", "database"}
    assert {"ALLOWED_HOSTS", "https"} <= {what for what, state in lines.items() if state == "warning"}


def test_unresponsive_servers_are_found_and_the_doctor_ends(patient: Patient, own_valkey: OwnValkey) -> None:
    own_valkey.freeze()
    with socket.create_server((HOST, 0)) as unresponsive:
        database = f"postgres://user:secret@{HOST}:{unresponsive.getsockname()[1]}/name"
        code, found = patient.examined(DATABASE_URL=database, SECRET_KEY=LONG_KEY)
    assert (code, errors(found)) == (1, {"Redis", "database"})
    assert found["SECRET_KEY"]["state"] == "ok"
    assert all(found[what]["state"] == "warning" for what in ("workers", "queues", "responses"))


def test_an_unreadable_models_file_keeps_no_other_part_from_being_checked(
    patient: Patient,
) -> None:
    code, found = patient.examined(TAILRACE_MODELS="/nowhere/models.toml")
    assert (code, errors(found)) == (1, {"models", "database", "workers"})
    assert found["queues"]["found"] == "not checked without models"


def test_the_report_is_plain_outside_a_terminal_and_help_explains_it(patient: Patient) -> None:
    done = patient.run("doctor")
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].endswith("errors")
    assert "The exit code is 1" in " ".join(patient.run("doctor", "--help").stdout.split())


def test_models_are_asked_only_when_it_is_asked_for(patient: Patient, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    with serving(Service()) as service:
        entry = f'[[models]]\nname = "{{}}"\nbase_url = "{service.base_url}"\nupstream_model = "m"\n'
        file.write_text(entry.format("one") + entry.format("two"))
        _, found = patient.examined(TAILRACE_MODELS=str(file))
        assert service.requests == []
        assert found["model one"]["found"].endswith("OPENAI_API_KEY is set")

        done = patient.run("doctor", "--json", "--ask=two", TAILRACE_MODELS=str(file))
        found = {finding["what"]: finding for finding in json.loads(done.stdout)["findings"]}
        assert found["model one"]["found"].endswith("OPENAI_API_KEY is set")
        assert ", OPENAI_API_KEY: streams, first token" in found["model two"]["found"]
        assert done.stderr == "asking two: up to 300 s for a first token\n"

        done = patient.run("doctor", "--ask", TAILRACE_MODELS=str(file))
        assert len(re.findall(r"model (?:one|two) .*streams", done.stdout)) == 2

        done = patient.run("doctor", "--ask=three", TAILRACE_MODELS=str(file))
        assert done.stderr == "CommandError: There is no model three to ask: choose from one, two.\n"


def test_a_program_is_loaded_but_not_asked(patient: Patient, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text('[[models]]\nname = "mine"\nprogram = "workers.programs.counting:count"\n')
    for arguments in (["doctor", "--json"], ["doctor", "--json", "--ask"]):
        done = patient.run(*arguments, TAILRACE_MODELS=str(file))
        found = {finding["what"]: finding for finding in json.loads(done.stdout)["findings"]}
        assert found["model mine"]["found"] == "program workers.programs.counting:count"
    done = patient.run("doctor", "--ask=mine", TAILRACE_MODELS=str(file))
    assert done.stderr == "CommandError: mine is a program: it runs in a worker. Ask it on the page.\n"


def test_without_it_the_sdk_is_not_loaded() -> None:
    program = (
        "import sys, django; django.setup(); from django.core.management import load_command_class as load;"
        "load('project', 'doctor'); from project.doctor import examination; examination.parts();"
        "sys.exit('openai' in sys.modules)"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    assert subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, env=env).returncode == 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "options", "coloured"),
    [(Terminal(), [], True), (Terminal(), ["--no-color"], False), (io.StringIO(), [], False)],
)
def test_on_a_terminal_it_is_coloured_and_without_an_error_it_exits_with_0(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, options: list[str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://named")  # so that no `up` of a developer is checked
    monkeypatch.setattr(examination, "parts", lambda: (Part("it", lambda: [ok("it", "is well")]),))
    call_command("doctor", *options, stdout=stream)  # an error would end it with SystemExit
    assert stream.getvalue().startswith("\x1b[32mok     \x1b[0m  it" if coloured else "ok       it")
