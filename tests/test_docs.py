"""The documents agree with the code."""

import ast
import re
from pathlib import Path

import pytest

from chat import __version__
from chat.protocol import commands, events
from chat.protocol.errors import FAILURES, MOVING, NOT_SHARED, REFUSALS, SIGNED_OUT, SLOW_READER, TOO_MANY
from chat.responses.model_catalog import Deadlines, read
from project.doctor import report, site, verdicts, workers
from project.up.parts import web_command
from project.up.ports import HOST
from project.up.summary import LABEL_CHARS
from tests.harness.processes import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README, ARCHITECTURE, CONFIGURATION, DEPLOYMENT, PROTOCOL, RELIABILITY = (
    (ROOT / name).read_text()
    for name in (
        "README.md",
        "docs/architecture.md",
        "docs/configuration.md",
        "docs/deployment.md",
        "docs/protocol.md",
        "docs/reliability.md",
    )
)
MAX_COLUMNS = 120
UNPLAIN = re.compile(
    r"\b(tells?|telling|told|away|mute|whoever|nobody|somebody|goes on|comes back|is gone|of its own)\b",
    re.IGNORECASE,
)
HEARTBEAT = {
    "name": "w1@chat",
    "pid": 20355,
    "version": __version__,
    "concurrency": 100,
    "running": ["r1", "r2", "r3"],
}


def section(text: str, heading: str) -> str:
    """The text under a heading, up to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def column(text: str, heading: str, number: int = 0) -> list[str]:
    """The cells of a column in the tables under a heading; without the heads of the tables."""
    rows = re.findall(r"^\|(.*)\|$", section(text, heading), re.MULTILINE)
    cells = [row.split("|")[number].strip() for row in rows]
    return [cell for cell, below in zip(cells, [*cells[1:], ""], strict=True) if "---" not in (cell, below)]


def names(text: str, heading: str, number: int = 0) -> list[str]:
    """The names in backticks in a column; what is in braces is no name."""
    found = re.findall(r"`([^`]+)`", " ".join(column(text, heading, number)))
    return [name for name in found if "{" not in name]


def links(path: Path) -> list[str]:
    """The addresses of a document's links and pictures that stay in the repository."""
    text = path.read_text()
    found = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    return [link for link in found if "://" not in link]


def anchors(path: Path) -> set[str]:
    """The fragments by which a forge links to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def prose(path: Path) -> list[str]:
    """The lines of a document outside code, tables and HTML."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [line for line in text.splitlines() if not line.lstrip().startswith(("|", "<"))]


def test_the_table_of_settings_has_every_variable_and_no_other() -> None:
    source = (ROOT / "project/settings.py").read_text()
    read_by_settings = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source))
    read_by_workers = {"OPENAI_API_KEY"}
    assert set(names(CONFIGURATION, "Variables")) == read_by_settings | read_by_workers


def test_the_table_of_rooms_has_every_room_and_no_other() -> None:
    faces = [*(ROOT / "chat").glob("*/__init__.py"), *(ROOT / "workers").glob("*/__init__.py")]
    rooms = {f"{face.parent.relative_to(ROOT)}/" for face in faces}
    assert set(names(ARCHITECTURE, "Rooms")) == rooms - {"chat/migrations/", "chat/templatetags/"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(path: Path) -> None:
    named = re.findall(r"`((?:chat|workers|project|tests|docs|templates|bench)/[\w./-]+)`", path.read_text())
    named += [link.partition("#")[0] for link in links(path)]
    places = [ROOT, path.parent]
    assert [name for name in named if name and not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_heading_that_a_document_links_to_exists(path: Path) -> None:
    for link in links(path):
        document, _, fragment = link.partition("#")
        target = path.parent / document if document else path
        assert not fragment or fragment in anchors(target), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_is_plain_and_of_one_width(path: Path) -> None:
    assert [line for line in prose(path) if len(line) > MAX_COLUMNS or UNPLAIN.search(line)] == []


def test_every_document_is_linked_from_the_readme() -> None:
    others = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS} - {"README.md"}
    assert others <= {link.partition("#")[0] for link in links(ROOT / "README.md")}


def test_every_test_that_the_table_of_faults_names_exists() -> None:
    named = names(RELIABILITY, "Faults", 2)
    assert named
    places = [ROOT / "tests/faults", ROOT / "tests", ROOT / "tests/workers"]
    assert [name for name in named if not any((at / f"{name}.py").exists() for at in places)] == []


def test_the_protocol_has_every_command_with_its_fields_and_no_other() -> None:
    assert column(PROTOCOL, "Commands") == [f"`{kind}`" for kind in commands.COMMANDS]
    for kind, fields in zip(commands.COMMANDS, column(PROTOCOL, "Commands", 1), strict=True):
        if kind != "response.create":
            assert set(re.findall(r"`(\w+)`", fields)) == fields_of(commands.COMMANDS[kind])
    options = {f"tailrace.{field}" for field in commands.TailraceOptions.model_fields}
    assert set(names(PROTOCOL, "Fields of response.create")) == fields_of(commands.Create) | options


def fields_of(command: type[commands.Command]) -> set[str]:
    """The fields of a command beside its type."""
    return set(command.model_fields) - {"type"}


def test_the_protocol_has_every_event_and_no_other() -> None:
    source = "".join((ROOT / f"chat/protocol/{name}.py").read_text() for name in ("events", "frames"))
    kinds = set(re.findall(r'"((?:response\.|tailrace:)[\w.]+)"', source))
    assert set(events.EVENTS) < kinds
    documented = names(PROTOCOL, "OpenAI's events") + names(PROTOCOL, "Extensions")
    assert set(documented) == kinds | {"error"}


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("Errors", set(REFUSALS)),
        ("Failures", set(FAILURES)),
        ("Close codes", {str(code) for code in (MOVING, SIGNED_OUT, NOT_SHARED, SLOW_READER, TOO_MANY)}),
    ],
)
def test_the_protocol_has_every_code_and_no_other(heading: str, known: set[str]) -> None:
    assert set(names(PROTOCOL, heading)) == known


def test_the_protocol_has_the_status_of_every_error() -> None:
    statuses = zip(names(PROTOCOL, "Errors"), column(PROTOCOL, "Errors", 1), strict=True)
    assert dict(statuses) == {code: str(status) for code, (status, _) in REFUSALS.items()}


def test_the_example_of_models_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(CONFIGURATION.partition("```toml\n")[2].partition("```")[0])
    (model,) = read(file)
    assert model.deadlines == Deadlines()


def test_the_example_of_a_program_handles_every_end() -> None:
    program = PROTOCOL.partition("```python\n")[2].partition("```")[0]
    ends = {kind.type for kind in events.TERMINAL} | {"error"}
    assert ends <= {node.value for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)}


def test_the_web_server_is_started_by_hand_as_by_up() -> None:
    shown = section(DEPLOYMENT, "By hand").replace("\\\n", " ")
    _, *command = web_command(8000)
    assert " ".join(command).replace(HOST, "0.0.0.0") in shown  # noqa: S104 - the document's


def test_the_promised_summary_is_the_one_that_is_printed() -> None:
    promised = README.partition("Tailrace runs.\n")[2].partition("```")[0]
    labels = [line[:LABEL_CHARS].strip() for line in promised.strip().splitlines()]
    source = (ROOT / "project/up/summary.py").read_text()
    assert labels == re.findall(r'^        "([\w ]+)": ', source, re.MULTILINE)


def test_the_lines_that_the_doctor_is_shown_to_print_are_those_that_it_prints() -> None:
    shown = section(DEPLOYMENT, "Doctor").split("```\n")[2].splitlines()
    found = [
        site.checked([])[0],
        verdicts.eviction({"maxmemory_policy": "allkeys-lru"}),
        workers.judged([HEARTBEAT], {})[1],
        workers.clock({"first": 0.0, "second": 2.1}),
    ]
    assert [line.split() for line in shown] == [
        line.split() for line in report.text(found, colour=False).splitlines()[: len(found)]
    ]
