"""Kills the children when `up` is killed and cannot do it itself.

The guard is a process of its own. From a pipe, whose other end only `up` holds, it reads which process groups
run. When the pipe ends, because `up` ended in any way, it kills the groups that are still listed.
A pipe works on every Unix and needs no code between fork and exec; Linux's parent-death signal would need a
launcher before every child. SIGKILL is enough: losing `up` is a crash, and the parts survive crashes.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TextIO, cast


class Guard:
    """The writing end of the pipe, in `up`."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def watch(self, group: int) -> None:
        """List a process group, to be killed when `up` ends."""
        self._write(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Remove a group: it has ended, and its number may be reused."""
        self._write(f"-{group}\n")

    def _write(self, line: str) -> None:
        with suppress(BrokenPipeError):  # without a guard everything but a SIGKILL of `up` still works
            os.write(self._pipe, line.encode())


@contextmanager
def started(*descriptors: int) -> Iterator[Guard]:
    """Run a guard, in its own session so that the terminal's Ctrl-C does not reach it.

    It keeps `descriptors` open until then: a lock among them is held until the children are gone.
    """
    with subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=descriptors,
    ) as process:
        yield Guard(cast(IO[bytes], process.stdin).fileno())


def kill_remaining(lines: TextIO) -> None:
    """Read the list to its end, then kill the groups that are left on it."""
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    for group in groups:
        kill_group(group)


def kill_group(group: int) -> None:
    """Send SIGKILL to every process of a group, if any is left."""
    with suppress(ProcessLookupError, PermissionError):  # macOS denies it for a group of zombies
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it exits only at the end of the pipe
    kill_remaining(sys.stdin)
