"""The file by which `manage.py doctor` finds a running `up`.

Without a lock on the data directory it is stale.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

from project.settings import env
from project.up import lock, private_file

FILE_NAME = "up.json"
VARIABLES = sorted((env.names_read | {"OPENAI_API_KEY"}) - {"LOG_LEVEL"})
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of models' keys, too
Variables = dict[str, str | None]  # None: not set


@contextmanager
def recorded(data_dir: Path, env: Mapping[str, str], keys: frozenset[str] = frozenset()) -> Iterator[None]:
    """Keep the file with VARIABLES and `keys` of models from `env`; raises DataDirError."""
    path = data_dir / FILE_NAME
    names = sorted({*VARIABLES, *filter(NAME.fullmatch, keys)})
    private_file.write(path, json.dumps({name: env.get(name) for name in names}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def variables_of(data_dir: Path) -> Variables | None:
    """The variables of the `up` running in `data_dir`, or None."""
    if not lock.is_held(data_dir):
        return None
    try:
        variables = json.loads(private_file.read(data_dir / FILE_NAME) or "null")
    except ValueError:
        return None
    return variables if _is_valid(variables) else None


def _is_valid(variables: object) -> TypeGuard[Variables]:
    return isinstance(variables, dict) and all(
        NAME.fullmatch(name) and isinstance(value, str | None) for name, value in variables.items()
    )
