"""The environment variables: those that `.env.example` documents, and those that the settings read."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness.processes import ROOT, finished

EXAMPLE_LINE = re.compile(r"(?P<off># )?(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")
COMMENT_LINE = re.compile(r"# [^A-Z].*|# [A-Z][^=]*")
DUMP = (
    "import json; from project import settings as s; "
    "print(json.dumps({n: v for n, v in vars(s).items() if n.isupper()}, default=str))"
)
COMPUTED = object()  # a default that the settings compute


def documented() -> dict[str, str]:
    """Return each name of `.env.example` with the value beside it."""
    return {match["name"]: match["value"] for match in example_matches()}


def set_by_example() -> set[str]:
    """Return the names of `.env.example` that are not commented out."""
    return {match["name"] for match in example_matches() if not match["off"]}


def without_comment() -> list[str]:
    """Return the names of `.env.example` that have no comment in the line above."""
    lines = example_lines()
    pairs = zip(["", *lines], lines, strict=False)
    return [
        match["name"]
        for above, line in pairs
        if (match := EXAMPLE_LINE.fullmatch(line)) and not COMMENT_LINE.fullmatch(above)
    ]


def example_matches() -> list[re.Match[str]]:
    """Return the lines of `.env.example` that set something, commented out or not."""
    return [match for line in example_lines() if (match := EXAMPLE_LINE.fullmatch(line))]


def example_lines() -> list[str]:
    """Return the lines of `.env.example`."""
    return (ROOT / ".env.example").read_text().splitlines()


def read_by_settings() -> dict[str, object]:
    """Return each name that the settings read with its default; COMPUTED where it is no constant."""
    tree = ast.parse((ROOT / "project/settings.py").read_text())
    return dict(filter(None, map(name_and_default, ast.walk(tree))))


def name_and_default(node: ast.AST) -> tuple[str, object] | None:
    """Return what `env.kind("NAME", default=…)` reads, or None for any other node."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str(name))]):
            return name, next(
                (constant(word.value) for word in node.keywords if word.arg == "default"), COMPUTED
            )
    return None


def constant(node: ast.expr) -> object:
    """Return a constant's value, or COMPUTED."""
    return node.value if isinstance(node, ast.Constant) else COMPUTED


def load_settings(
    checkout: Path, environment: Mapping[str, str], dotenv: str = ""
) -> subprocess.CompletedProcess[str]:
    """Load the settings in an empty checkout, with this environment and this `.env` alone; print JSON."""
    (checkout / "project").mkdir(exist_ok=True)
    for module in (ROOT / "project").glob("[!_]*.py"):  # without Celery's, which needs Django's settings
        shutil.copy(module, checkout / "project")
    (checkout / ".env").write_text(dotenv)
    environment = {"PATH": os.environ["PATH"], **environment}
    return finished(sys.executable, "-c", DUMP, cwd=checkout, env=environment)


def loaded_settings(checkout: Path, environment: Mapping[str, str], dotenv: str = "") -> dict[str, Any]:
    """Return the settings that this environment and this `.env` make."""
    done = load_settings(checkout, environment, dotenv)
    assert done.returncode == 0, done.stderr
    values: dict[str, Any] = json.loads(done.stdout)
    values["DATABASES"]["default"].pop("TEST", None)  # named for the process
    return values
