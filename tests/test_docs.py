"""What the documents claim, checked where it can be."""

import re
from pathlib import Path

import pytest
from django.core.checks import WARNING, CheckMessage

from chat import __version__
from chat.responses.model_catalog import read
from project.doctor import database, queues, report, site, verdicts, workers
from project.up.summary import LABEL_CHARS
from tests.harness.upstream.client import ROOT

README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
HEARTBEAT = {
    "name": "w1@chat",
    "pid": 20355,
    "version": __version__,
    "concurrency": 100,
    "running": ["r1", "r2", "r3"],
}


def first_column(text: str, heading: str) -> set[str]:
    """The names in backticks in the first column of the first table under a heading."""
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_table_of_settings_has_every_variable_and_no_other() -> None:
    source = (ROOT / "project/settings.py").read_text()
    read_by_settings = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source))
    read_by_workers = {"OPENAI_API_KEY"}
    assert first_column(README, "Configuration") == read_by_settings | read_by_workers


def test_the_table_of_rooms_has_every_room_and_no_other() -> None:
    faces = [*(ROOT / "chat").glob("*/__init__.py"), *(ROOT / "workers").glob("*/__init__.py")]
    rooms = {f"{face.parent.relative_to(ROOT)}/" for face in faces}
    assert first_column(ARCHITECTURE, "Rooms") == rooms - {"chat/migrations/", "chat/templatetags/"}


def test_the_folders_of_the_layout_exist() -> None:
    folders = first_column(README, "Layout")
    assert {"project/", "chat/", "workers/", "templates/", "tests/", "bench/", "docs/"} == folders
    assert all((ROOT / folder).is_dir() for folder in folders)


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/performance.md",
        "docs/reliability.md",
    ],
)
def test_every_file_that_a_document_names_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    named = re.findall(r"`((?:chat|workers|project|tests|docs|templates|bench)/[\w./]+)`", text)
    named += [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert named
    places = [ROOT, (ROOT / document).parent]
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def test_the_example_of_models_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(README.partition("```toml\n")[2].partition("```")[0])
    (model,) = read(file)
    assert model.deadlines.total == 600


def test_the_promised_summary_is_the_one_that_is_printed() -> None:
    promised = README.partition("Tailrace runs.\n")[2].partition("```")[0]
    labels = [line[:LABEL_CHARS].strip() for line in promised.strip().splitlines()]
    source = (ROOT / "project/up/summary.py").read_text()
    assert labels == re.findall(r'^        "([\w ]+)": ', source, re.MULTILINE)


def test_the_lines_that_the_doctor_is_shown_to_print_are_those_that_it_prints() -> None:
    section = README.partition("\n## Is it well set up?\n")[2].partition("\n## ")[0]
    shown = section.split("```\n")[2].splitlines()
    found = [
        site.checked([])[0],
        site.checked([CheckMessage(WARNING, "", id="security.W012")])[1],
        verdicts.version({"valkey_version": "9.1.2"}),
        verdicts.eviction({"maxmemory_policy": "allkeys-lru"}),
        database.migrations([], []),
        workers.judged([HEARTBEAT], {})[1],
        workers.clock({"first": 0.0, "second": 2.1}),
        queues.judged("responses", 0, [HEARTBEAT]),
    ]
    assert [line.split() for line in shown] == [
        line.split() for line in report.text(found, colour=False).splitlines()[: len(found)]
    ]
