"""The verbs of the justfile: CI and GitHub's templates call no other, and each calls what is installed."""

import itertools
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.processes import ROOT

PROGRAMS = Path(sys.executable).parent
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
CALLERS = [
    "README.md",
    "CONTRIBUTING.md",
    ".ci/run",
    ".github/workflows/ci.yml",
    ".github/pull_request_template.md",
]


def recipes() -> dict[str, Any]:
    dump = [str(PROGRAMS / "just"), "--dump", "--dump-format", "json"]
    done = subprocess.run(dump, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)["recipes"]
    return found


def test_each_verb_has_its_comment_in_the_list() -> None:
    done = subprocess.run([PROGRAMS / "just"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^    (\S+).* # \w", done.stdout, re.MULTILINE)
    assert listed == ["up", "check", "fix", "build", "test", "test-all", "bench", "docs"]


@pytest.mark.parametrize("caller", CALLERS)
def test_a_called_verb_exists(caller: str) -> None:
    called = re.findall(r"(?:uv run (?:--\S+ \S+ )*|`)just ([a-z][a-z-]*)", (ROOT / caller).read_text())
    assert called
    assert set(called) <= set(recipes())


def test_ci_checks_and_runs_the_whole_suite() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert re.findall(r"^uv run --project tests just (.*)$", script, re.M) == ["check", "test-all"]


def test_the_project_names_no_tool() -> None:
    own, tools = (tomllib.loads((ROOT / folder / "pyproject.toml").read_text()) for folder in ("", "tests"))
    assert own["dependency-groups"] == {"local": ["tailrace[local]"]}
    assert {*own["project"]["optional-dependencies"]} == {"local"}
    assert own["tool"]["uv"]["dependency-metadata"] == tools["tool"]["uv"]["dependency-metadata"]


def test_ci_runs_both_releases_on_both_databases() -> None:
    assert WORKFLOW["jobs"]["fast"]["env"]["UV_PROJECT"] == "tests"
    matrix = WORKFLOW["jobs"]["fast"]["strategy"]["matrix"]
    cells = {
        (release["python"], release["django"], database["name"], database["url"].partition(":")[0])
        for release, database in itertools.product(matrix["release"], matrix["database"])
    }
    assert cells == {
        ("3.11", "5.2", "SQLite", "sqlite"),
        ("3.11", "5.2", "PostgreSQL", "postgres"),
        ("3.13", "6.1", "SQLite", "sqlite"),
        ("3.13", "6.1", "PostgreSQL", "postgres"),
    }


def test_the_verbs_call_programs_that_are_installed() -> None:
    source = (ROOT / "justfile").read_text()
    programs = set(re.findall(r"uv run (?:--project tests )?([\w-]+)", source)) - {"just", "manage"}
    assert programs
    assert [name for name in programs if not (PROGRAMS / name).exists()] == []


def test_the_verbs_call_scripts_that_package_json_has() -> None:
    called = set(re.findall(r"npm run --silent (\w+)", (ROOT / "justfile").read_text()))
    assert called == {"lint", "types", "fix", "build"}
    assert called <= set(json.loads((ROOT / "package.json").read_text())["scripts"])
