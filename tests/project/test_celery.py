"""The Celery application: a worker serves the queues of the models, or exits with the reason."""

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from project.celery import consume_every_queue
from tests.harness.processes import finished

TWO = """
[[models]]
name = "here"
base_url = "http://here.example/v1"
key_env = "HERE_KEY"

[[models]]
name = "elsewhere"
base_url = "http://elsewhere.example/v1"
key_env = "ELSEWHERE_KEY"
queue = "gpu"
"""
WORKER = [sys.executable, "-m", "celery", "-A", "project", "worker"]


@pytest.mark.slow
def test_a_worker_whose_models_cannot_be_read_exits_with_the_file_and_the_remedy(tmp_path: Path) -> None:
    models = tmp_path / "models.toml"
    env = {**os.environ, "TAILRACE_MODELS": str(models), "TAILRACE_DATA_DIR": str(tmp_path)}
    done = finished(*WORKER, env=env)
    assert done.returncode == 1
    assert f"TAILRACE_MODELS: {models} cannot be used: [Errno 2] No such file" in done.stderr
    assert "correct the file, or unset TAILRACE_MODELS" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ({}, ["HERE_KEY", "ELSEWHERE_KEY"]),
        ({"queues": [], "exclude_queues": []}, ["HERE_KEY", "ELSEWHERE_KEY"]),
        ({"queues": ["gpu"]}, ["ELSEWHERE_KEY"]),
        ({"queues": ["responses"]}, ["HERE_KEY"]),
        ({"exclude_queues": ["gpu", "titles"]}, ["HERE_KEY"]),
        ({"queues": ["titles"]}, ["ELSEWHERE_KEY"]),
        ({"queues": ["other"]}, []),
    ],
)
def test_a_worker_needs_the_keys_of_its_queues_alone(
    options: dict[str, list[str]],
    variables: list[str],
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.TAILRACE_MODELS = str(tmp_path / "models.toml")
    settings.TAILRACE_TITLE_MODEL = "elsewhere"
    (tmp_path / "models.toml").write_text(TWO)
    for name in ("HERE_KEY", "ELSEWHERE_KEY"):
        monkeypatch.setenv(name, "two words")
    conf = SimpleNamespace()
    if variables:
        with pytest.raises(SystemExit) as refused:
            consume_every_queue(conf, options)
        assert re.findall(r"\w+_KEY", str(refused.value)) == variables
    else:
        consume_every_queue(conf, options)
        assert [queue.name for queue in conf.task_queues] == ["gpu", "responses", "titles", "webhooks"]
