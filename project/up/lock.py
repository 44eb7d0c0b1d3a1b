"""Lock the data directory: two runs must not share its files."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import TextIO

from project.up.errors import DataDirError

LOCK_NAME = "up.lock"
RETRIES = 10
RETRY_SECS = 0.05


@contextmanager
def held(data_dir: Path) -> Iterator[int]:
    """Create and lock the directory, yield the lock's descriptor; raises DataDirError.

    The lock lasts until the last process with the descriptor ends.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(data_dir)
        file = (data_dir / LOCK_NAME).open("a+")
    except OSError as error:
        message = f"{data_dir} cannot be written ({error.strerror}): choose another with --data-dir."
        raise DataDirError(message) from error
    with file:
        try:
            _lock(file)
        except BlockingIOError as error:
            file.seek(0)
            owner = f"process {file.read().strip() or 'unknown'}"
            message = f"Another `up` ({owner}) uses {data_dir}: stop it, or choose another with --data-dir."
            raise DataDirError(message) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


def is_held(data_dir: Path) -> bool:
    """Whether an `up` has the lock; takes a shared one for an instant."""
    try:
        with (data_dir / LOCK_NAME).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _make_private(data_dir: Path) -> None:
    """Refuse other users, who could read the database. Raises DataDirError for a shared directory."""
    status = data_dir.stat()
    if not status.st_mode & 0o077:
        return
    if status.st_mode & stat.S_ISVTX or status.st_uid != os.getuid():
        message = f"{data_dir} is not yours alone: choose another directory with --data-dir."
        raise DataDirError(message)
    data_dir.chmod(0o700)


def _lock(file: TextIO) -> None:
    """Retry for 0.5 s: `is_held` may have the lock; raises BlockingIOError."""
    for _ in range(RETRIES):
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        sleep(RETRY_SECS)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
