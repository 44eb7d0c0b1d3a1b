"""Free ports on the loopback address."""

import errno
import secrets
import socket

from project.up.errors import PortError

HOST = "127.0.0.1"
# below the ephemeral ports (Linux 32768, macOS 49152): retries of a stopped part may connect to themselves
FIRST_PORT, LAST_PORT = 20_000, 32_000
TRIES = 100


def require_free(port: int, option: str) -> None:
    """Raise PortError, naming `option`, unless `port` is free."""
    try:
        _bind(port)
    except PermissionError as error:
        message = f"Port {port} needs more rights than this user has: choose another with {option}."
        raise PortError(message) from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        message = f"Port {port} is taken: choose another with {option}."
        raise PortError(message) from error


def pick_free(*, excluded: frozenset[int] = frozenset()) -> int:
    """A free port outside `excluded`."""
    for _ in range(TRIES):
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT)
        if port not in excluded and _is_free(port):
            return port
    message = f"No port between {FIRST_PORT} and {LAST_PORT} is free."
    raise PortError(message)


def _is_free(port: int) -> bool:
    try:
        _bind(port)
    except OSError:
        return False
    return True


def _bind(port: int) -> None:
    with socket.socket() as listener:
        # as the servers do: ignore old connections in TIME_WAIT
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
