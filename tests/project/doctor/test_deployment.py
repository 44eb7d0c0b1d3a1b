"""Which deployment the doctor checks; with a real lock, and a process of the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError

from project.doctor import deployment
from project.doctor.deployment import MARK
from project.doctor.finding import State
from project.up import lock, running
from project.up.environment import Embedded, children
from tests.harness.dotenv import loaded_settings
from tests.harness.processes import finished
from tests.harness.valkey import OwnValkey
from tests.project.doctor.looks import faults

HERE = {"REDIS_URL": "redis://127.0.0.1:1/0", "OPENAI_MODEL": "theirs"}
NAMED = {"REDIS_URL": "redis://x", "SECRET_KEY": "x"}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A data directory for an `up`, also when the doctor looks for one by itself."""
    return tmp_path / "data"


def test_an_environment_that_names_a_deployment_is_kept(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "TAILRACE_DATA_DIR", run)
    with lock.held(run), running.recorded(run, HERE):
        assert deployment.environment(None, NAMED) is None


def test_a_running_up_is_found_in_the_data_directory_of_the_settings(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "TAILRACE_DATA_DIR", run)
    assert deployment.environment(None, {}) is None
    with lock.held(run), running.recorded(run, HERE):
        env = deployment.environment(
            None, {"PATH": "/bin", "OPENAI_BASE_URL": "http://ours", "REDIS_URL": "", "SECRET_KEY": "x"}
        )
    assert env == {**HERE, "PATH": "/bin", MARK: str(run)}
    with running.recorded(run, HERE):  # its process is dead
        assert deployment.environment(None, {}) is None


@pytest.mark.parametrize("named", [{}, NAMED])
def test_a_data_directory_wins_over_the_environment(named: dict[str, str], run: Path) -> None:
    with lock.held(run), running.recorded(run, HERE):
        env = deployment.environment(run, named)
        assert env is not None
        assert env["REDIS_URL"] == HERE["REDIS_URL"]
        assert deployment.environment(run, env) is None, "the second process examines"


def test_a_data_directory_without_an_up_is_an_error(run: Path) -> None:
    with pytest.raises(CommandError, match=rf"^No `up` runs with the data directory {run}"):
        deployment.environment(run, {})


@pytest.mark.parametrize(
    ("environ", "state", "found"),
    [
        ({MARK: "/data", "REDIS_URL": "x"}, State.OK, "the running `up` with its data in /data"),
        (NAMED, State.OK, "the one of this environment (REDIS_URL)"),
        ({"SECRET_KEY": "x"}, State.WARNING, "the defaults: no `up` runs with its data in /here"),
    ],
)
def test_the_deployment_is_named(environ: dict[str, str], state: State, found: str) -> None:
    finding = deployment.named(environ, Path("/here"))
    faults([finding])
    assert (finding.state, finding.found) == (state, found)


def doctor(data_dir: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command without a variable of a deployment but the data directory."""
    ours = {*running.VARIABLES, MARK}
    env = {name: value for name, value in os.environ.items() if name not in ours}
    env["TAILRACE_DATA_DIR"] = str(data_dir)
    return finished(sys.executable, "manage.py", "doctor", "--json", *options, env=env)


@pytest.mark.slow
def test_the_command_checks_the_running_up_first_by_name(run: Path, own_valkey: OwnValkey) -> None:
    up = children({"REDIS_URL": own_valkey.url}, Embedded(redis_port=None, model_port=20_002), run)
    with lock.held(run), running.recorded(run, up):
        done = doctor(run)
    assert done.returncode == 1, "there are no tables and no workers"
    first, *others = json.loads(done.stdout)["findings"]
    assert (first["what"], first["found"]) == ("deployment", f"the running `up` with its data in {run}")
    found = {finding["what"]: finding["found"] for finding in others}
    assert found["Redis"] == f"{own_valkey.url} is available"
    assert found[f"model {up['OPENAI_MODEL']}"].startswith(up["OPENAI_BASE_URL"])
    assert str(run) in found["database"]
    assert up["OPENAI_API_KEY"] not in done.stdout + done.stderr


@pytest.mark.slow
def test_the_command_refuses_a_data_directory_without_an_up(run: Path) -> None:
    done = doctor(run, f"--data-dir={run}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("CommandError: No `up` runs")


@pytest.mark.slow
def test_a_variable_that_up_had_not_set_is_not_read_from_env_file(run: Path, tmp_path: Path) -> None:
    given = {"REDIS_URL": "redis://up"}
    with lock.held(run), running.recorded(run, given):
        env = deployment.environment(run, {"OPENAI_MODEL": "today's"})
    assert env is not None
    values = loaded_settings(
        tmp_path, env, "OPENAI_MODEL=today's\nOPENAI_RESUME=continue\nREDIS_URL=redis://today"
    )
    assert values["TAILRACE_LOG_URL"] == "redis://up"
    assert (values["TAILRACE_OPENAI_MODEL"], values["TAILRACE_OPENAI_RESUME"]) == ("", "restart")


@pytest.mark.parametrize(
    ("mode", "state"), [(0o700, State.OK), (0o750, State.WARNING), (0o755, State.WARNING)]
)
def test_a_data_directory_that_others_can_read_is_found(tmp_path: Path, mode: int, state: State) -> None:
    assert deployment.private(tmp_path) == [], "nothing is in it"
    (tmp_path / "db.sqlite3").touch()
    tmp_path.chmod(mode)
    assert [finding.state for finding in deployment.private(tmp_path)] == [state]
