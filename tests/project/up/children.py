"""Small parts for the tests: a few lines of Python each."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from project.up.parts import Part, Wait

SLEEP = "import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"


def part(name: str, code: str, **changes: Any) -> Part:
    """Give a part that runs `code`."""
    command = (sys.executable, "-S", "-c", code)
    return replace(Part(name, command, {**os.environ}, "Mend it.", stop_turn=1), **changes)


@dataclass(frozen=True)
class FileProbe:
    """Ready once a file is there: a part can make it, or a test."""

    path: Path

    async def shortfall(self) -> str:
        """Look."""
        return "" if self.path.exists() else f"no {self.path.name} yet"


def until_file(path: Path, secs: float = 20) -> Wait:
    """Wait for the file."""
    return Wait(FileProbe(path), secs, "Make the file.")


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be buried does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(") ")[2][0] != "Z"
