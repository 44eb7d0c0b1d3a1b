"""Kill the parts after `up` was killed.

A separate process reads the running process groups from a pipe. When the pipe ends, with `up`, it kills the
groups still listed. Unlike Linux's parent-death signal, this works on every Unix, without a launcher.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TextIO, cast


class Guard:
    """The writing end of the pipe."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def watch(self, group: int) -> None:
        """Add a process group."""
        self._write(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Remove an ended group: its number may be reused."""
        self._write(f"-{group}\n")

    def _write(self, line: str) -> None:
        with suppress(BrokenPipeError):  # only a SIGKILL of `up` needs the guard
            os.write(self._pipe, line.encode())


@contextmanager
def started(*descriptors: int) -> Iterator[Guard]:
    """Run a guard; it keeps `descriptors` (the lock) open until the parts have ended."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # out of reach of Ctrl-C
        pass_fds=descriptors,
    ) as process:
        yield Guard(cast(IO[bytes], process.stdin).fileno())


def kill_remaining(lines: TextIO) -> None:
    """Read to the end, then kill."""
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    for group in groups:
        kill_group(group)


def kill_group(group: int) -> None:
    """Send SIGKILL to a group, if it exists."""
    with suppress(ProcessLookupError, PermissionError):  # macOS, for zombies
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # exit at the end of the pipe only
    kill_remaining(sys.stdin)
