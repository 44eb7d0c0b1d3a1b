"""A pool of SQLite connections: closing keeps one, opening takes a kept one.

Queries run in changing threads. Opening a file takes longer than a query, and closing the last connection
checkpoints the whole write-ahead log. PostgreSQL has Django's pool.
"""

import atexit
import os
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from django.db.backends.sqlite3 import base

MAX_KEPT = 40  # per file, more than a busy process opens

_kept: dict["File", list[sqlite3.Connection]] = {}


class File(NamedTuple):
    """A database file's identity in one process; a replacement has another."""

    process: int
    device: int
    inode: int


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, pooled."""

    _file: File | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """Take a kept connection or open one."""
        self._file = _file_at(conn_params["database"])
        while self._file and (kept := _kept.get(self._file)):
            try:
                return kept.pop()
            except IndexError:  # another thread took it
                continue
        opened: sqlite3.Connection = super().get_new_connection(conn_params)
        self._file = _file_at(conn_params["database"])  # it may be new
        return opened

    def _close(self) -> None:
        """Keep the connection, unless broken, in a transaction, or above MAX_KEPT."""
        connection, file = self.connection, self._file
        broken = self.errors_occurred or self.in_atomic_block
        if connection is None or file is None or broken or connection.in_transaction:
            super()._close()  # type: ignore[misc]  # django-stubs does not know it
            return
        kept = _kept.setdefault(file, [])
        if len(kept) < MAX_KEPT:
            kept.append(connection)
        else:
            super()._close()  # type: ignore[misc]  # as above


def _file_at(path: Any) -> File | None:
    """A file's identity; None without a file, as in memory."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return File(os.getpid(), found.st_dev, found.st_ino)


@atexit.register
def close_kept() -> None:
    """Close this process's kept connections."""
    for file, kept in _kept.items():
        while kept and file.process == os.getpid():
            kept.pop().close()
