"""The file by which `manage.py doctor` finds a running `up`.

It holds secrets: mode 0600. Without a lock on the data directory it is stale.
"""

import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

from project.settings import env
from project.up import lock
from project.up.errors import DataDirError

FILE_NAME = "up.json"
VARIABLES = sorted((env.names_read | {"OPENAI_API_KEY"}) - {"LOG_LEVEL"})
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of models' keys, too
Variables = dict[str, str | None]  # None: not set


@contextmanager
def recorded(data_dir: Path, env: Mapping[str, str], keys: frozenset[str] = frozenset()) -> Iterator[None]:
    """Keep the file with VARIABLES and `keys` of models from `env`; raises DataDirError."""
    path = data_dir / FILE_NAME
    names = sorted({*VARIABLES, *filter(NAME.fullmatch, keys)})
    _write(path, {name: env.get(name) for name in names})
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def variables_of(data_dir: Path) -> Variables | None:
    """The variables of the `up` running in `data_dir`, or None."""
    if not lock.is_held(data_dir):
        return None
    try:
        with os.fdopen(os.open(data_dir / FILE_NAME, os.O_RDONLY | os.O_NOFOLLOW)) as file:
            variables = json.load(file) if _is_private(file.fileno()) else None
    except (OSError, ValueError):
        return None
    return variables if _is_valid(variables) else None


def _write(path: Path, variables: Variables) -> None:
    """Replace atomically; `mkstemp` sets mode 0600. Raises DataDirError and leaves no file."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{FILE_NAME}.")
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(variables, file)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink()
            raise
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror}): choose another directory with --data-dir."
        raise DataDirError(message) from error


def _is_private(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077


def _is_valid(variables: object) -> TypeGuard[Variables]:
    return isinstance(variables, dict) and all(
        NAME.fullmatch(name) and isinstance(value, str | None) for name, value in variables.items()
    )
