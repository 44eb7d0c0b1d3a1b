"""The Celery application: a worker serves the queues of the models, or exits with the reason."""

import os
import sys
from pathlib import Path

import pytest

from tests.harness.processes import finished

WORKER = [sys.executable, "-m", "celery", "-A", "project", "worker"]


@pytest.mark.system
def test_a_worker_whose_models_cannot_be_read_exits_with_the_file_and_the_remedy(tmp_path: Path) -> None:
    models = tmp_path / "models.toml"
    env = {**os.environ, "TAILRACE_MODELS": str(models), "TAILRACE_DATA_DIR": str(tmp_path)}
    done = finished(*WORKER, env=env)
    assert done.returncode == 1
    assert f"TAILRACE_MODELS: {models} cannot be used: [Errno 2] No such file" in done.stderr
    assert "correct the file, or unset TAILRACE_MODELS" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.system
def test_a_worker_whose_key_cannot_be_sent_exits_with_the_name_of_the_variable(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "OPENAI_API_KEY": "sk-sec…ret",
        "TAILRACE_MODELS": "",
        "TAILRACE_DATA_DIR": str(tmp_path),
    }
    done = finished(*WORKER, env=env)
    assert done.returncode == 1
    assert "OPENAI_API_KEY holds a character that is not ASCII" in done.stderr
    assert "sec…" not in done.stderr
    assert "Traceback" not in done.stderr
