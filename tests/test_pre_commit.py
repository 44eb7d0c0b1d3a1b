"""The hooks run what the project's own environment has, and nothing from elsewhere."""

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
    if words[:2] == ["uv", "run"]:
        assert (PROGRAMS / words[2]).exists()
    elif words[:2] == ["npm", "run"]:
        assert words[-1] in SCRIPTS
    else:
        assert words[:3] == ["uv", "pip", "compile"]
