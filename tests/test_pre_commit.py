"""The hooks run what the environment of the tests has, and nothing from elsewhere."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.processes import ROOT, run

CONFIG = ROOT / ".pre-commit-config.yaml"
PROGRAMS = Path(sys.executable).parent
SCRIPTS = json.loads((ROOT / "package.json").read_text()).get("scripts", {})


def hooks() -> list[dict[str, Any]]:
    [repository] = yaml.safe_load(CONFIG.read_text())["repos"]
    assert repository["repo"] == "local"
    found: list[dict[str, Any]] = repository["hooks"]
    return found


def test_the_configuration_is_valid() -> None:
    run(str(PROGRAMS / "pre-commit"), "validate-config", str(CONFIG))


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_a_hook_runs_a_program_that_is_installed(hook: dict[str, Any]) -> None:
    words = hook["entry"].split()
    if words[:4] == ["uv", "run", "--project", "tests"]:
        assert (PROGRAMS / words[4]).exists()
    elif words[:2] == ["npm", "run"]:
        assert words[-1] in SCRIPTS
    else:
        assert words[:3] == ["uv", "pip", "compile"]


def test_a_tool_that_gets_names_of_files_leaves_out_what_pyproject_excludes() -> None:
    entries = {hook["entry"] for hook in hooks() if hook.get("pass_filenames", True)}
    excluding = [entry for entry in entries if {"ruff", "typos"} & {*entry.split()}]
    assert len(excluding) == 3
    assert [entry for entry in excluding if "--force-exclude" not in entry] == []
