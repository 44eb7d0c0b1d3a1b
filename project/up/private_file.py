"""A file with secrets in the data directory: mode 0600, replaced at once, never read through a link."""

import os
import stat
import tempfile
from pathlib import Path

from project.up.errors import DataDirError


def write(path: Path, text: str) -> None:
    """Replace atomically; `mkstemp` sets mode 0600. Raises DataDirError and leaves no file."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink()
            raise
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror}): choose another directory with --data-dir."
        raise DataDirError(message) from error


def read(path: Path) -> str | None:
    """The text. None: it cannot be read, or others can read it."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW)) as file:
            return file.read() if _is_private(file.fileno()) else None
    except (OSError, ValueError):  # or it is no UTF-8
        return None


def _is_private(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077
