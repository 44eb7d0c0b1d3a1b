"""Every module lies in a room, imports run one way, no room is crowded, no type check is off in silence."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.harness.processes import ROOT, run

MAX_MODULES = 20  # in one folder: more than a reader takes in at a glance
PRODUCT = ("chat", "workers", "project", "templates")


def folders() -> list[Path]:
    """Every folder of product code; what others wrote is left out."""
    found = [path for name in PRODUCT for path in (ROOT / name).rglob("*") if path.is_dir()]
    return [path for path in found if not {"__pycache__", "vendor"} & set(path.parts)]


@pytest.mark.slow
def test_every_module_lies_in_a_room_and_imports_run_one_way() -> None:
    run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")


def test_no_folder_is_crowded() -> None:
    crowded = {
        folder: modules
        for folder in folders()
        if (modules := sum(path.suffix in (".py", ".js", ".css", ".html") for path in folder.iterdir()))
        > MAX_MODULES
    }
    assert crowded == {}


@pytest.mark.parametrize("package", ["chat", "workers"])
def test_each_room_says_what_it_is_for_who_may_enter_and_where_to_start(package: str) -> None:
    for face in (ROOT / package).glob("*/__init__.py"):
        if face.parent.name not in ("migrations", "templatetags"):
            lines = (ast.get_docstring(ast.parse(face.read_text())) or "").replace("\n\n", "\n").splitlines()
            assert len(lines) == 3, face
            assert lines[2].startswith("Start with `"), face


@pytest.mark.parametrize("package", ["bench", "chat", "project", "tests", "workers"])
def test_every_type_check_that_is_off_says_why(package: str) -> None:
    silent = re.compile(r"# type: ignore(?!\[[\w,-]+\]  # \w|\()")
    own = [path for path in (ROOT / package).rglob("*.py") if ".venv" not in path.parts]
    off = [path for path in own if silent.search(path.read_text())]
    assert off == []
