"""Programs of OpenAI's SDK for Node."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.harness.processes import ROOT
from tests.harness.skips import skip_without
from tests.harness.waiting import deadline
from tests.sdk.recording import Reply

SECS = 60  # of a program


@dataclass(frozen=True)
class Scenario:
    """A scenario's result. `error`: empty if it went well."""

    error: str
    replies: list[Reply]


def scenarios_of(program: str, *arguments: str) -> dict[str, Scenario]:
    """Run a program of tests/sdk to its end, and return its scenarios by their names."""
    lines = run(program, *arguments).split("\n")[:-1]
    return {row["name"]: _scenario(row) for row in map(json.loads, lines)}


def run(program: str, *arguments: str, given: str = "") -> str:
    """Run a program of tests/sdk to its end, and return what it printed."""
    node = shutil.which("node")
    if node is None:
        skip_without("Node (Debian: apt-get install nodejs)")
    if not (ROOT / "node_modules/openai").exists():
        skip_without("OpenAI's SDK for Node (npm install)")
    done = subprocess.run(
        [node, f"tests/sdk/{program}", *arguments],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=deadline(SECS),
    )
    assert done.returncode == 0, f"{done.returncode}: {done.stdout[-500:]}{done.stderr}"
    return done.stdout


def _scenario(row: dict[str, Any]) -> Scenario:
    replies = [Reply(**{**reply, "body": reply["body"].encode()}) for reply in row["replies"]]
    return Scenario(row["error"], replies)
