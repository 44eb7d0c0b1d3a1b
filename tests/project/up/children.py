"""Small parts for the tests, a few lines of Python each."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from project.up.parts import Part, Wait

SLEEP = "import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"


def part(name: str, code: str, **changes: Any) -> Part:
    """Return a part that runs `code`."""
    command = (sys.executable, "-S", "-c", code)
    return replace(Part(name, command, {**os.environ}, "Fix it.", stop_turn=1), **changes)


@dataclass(frozen=True)
class FileProbe:
    """Ready once a file exists; a part or a test can create it."""

    path: Path

    async def shortfall(self) -> str:
        """Check for the file."""
        return "" if self.path.exists() else f"no {self.path.name} yet"


def until_file(path: Path, secs: float = 20) -> Wait:
    """Wait for the file."""
    return Wait(FileProbe(path), secs, "Make the file.")


def is_alive(pid: int) -> bool:
    """Return whether the process runs and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(") ")[2][0] != "Z"
