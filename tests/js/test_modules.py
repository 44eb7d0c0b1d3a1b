"""The page's modules: their tests under Node, and their names against the server's."""

import re
import shutil

import pytest

from chat.protocol.commands import COMMANDS
from chat.protocol.errors import FAILURES, REFUSALS
from chat.protocol.events import EVENTS
from tests.harness.processes import ROOT, run
from tests.harness.skips import skip_without

UNNUMBERED = ("up_to_date", "heartbeat", "queue", "conversation", "shared_changed", "moving")  # in no log
SCRIPTS = ROOT / "chat/static/chat"
# a process for each takes 0.1 s
ALL_IN_ONE = "for (const script of process.argv.slice(1)) await import(script)"


def test_the_modules_pass_their_own_tests() -> None:
    node = shutil.which("node")
    if node is None:
        skip_without("Node (Debian: apt-get install nodejs)")
    scripts = sorted(script.as_uri() for script in (ROOT / "tests/js").rglob("*.test.mjs"))
    assert scripts
    run(node, "--input-type=module", "--eval", ALL_IN_ONE, *scripts)


@pytest.mark.parametrize(
    ("declared", "known"),
    [
        ("COMMAND", set(COMMANDS)),
        ("EVENT", {*EVENTS, *(f"tailrace:{name}" for name in UNNUMBERED), "error"}),
    ],
)
def test_the_page_and_the_server_use_the_same_names(declared: str, known: set[str]) -> None:
    source = (SCRIPTS / "server/protocol.js").read_text()
    block = re.search(rf"export const {declared} = Object\.freeze\(\{{(.*?)\}}\)", source, re.DOTALL)
    assert block
    assert set(re.findall(r'"([a-z_.:]+)"', block[1])) == known


def test_every_error_that_an_answer_can_have_has_help() -> None:
    source = (SCRIPTS / "sentences/errors.js").read_text()
    named = set(re.findall(r"^  ([a-z_]+): ", source, re.MULTILINE))
    assert set(FAILURES) <= named
    assert {code for code in REFUSALS if "file" in code} <= named
    assert named <= set(FAILURES) | set(REFUSALS)
