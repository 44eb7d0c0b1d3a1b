"""A pool of SQLite connections: closing a connection keeps it, opening one takes a kept one.

Sockets and tasks run a query or two at a time, each in another thread. Opening a file, registering Django's
functions and setting the pragmas takes longer than that, and closing the last connection moves the whole
write-ahead log into the file. For PostgreSQL Django has a pool of its own.
"""

import atexit
import os
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from django.db.backends.sqlite3 import base

MAX_KEPT = 40  # of one file: more than a busy process opens at once

_kept: dict["File", list[sqlite3.Connection]] = {}


class File(NamedTuple):
    """The identity of a database file in one process; a file that replaces it has another."""

    process: int
    device: int
    inode: int


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, whose connections are taken from the pool and returned to it."""

    _file: File | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """Take a kept connection, or open one."""
        self._file = _file_at(conn_params["database"])
        while self._file and (kept := _kept.get(self._file)):
            try:
                return kept.pop()
            except IndexError:  # another thread took it
                continue
        opened: sqlite3.Connection = super().get_new_connection(conn_params)
        self._file = _file_at(conn_params["database"])  # it may just have been created
        return opened

    def _close(self) -> None:
        """Keep the connection, unless it is broken, in a transaction, or one too many."""
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
    """Return the identity of a database's file; None without a file, as in memory."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return File(os.getpid(), found.st_dev, found.st_ino)


@atexit.register
def close_kept() -> None:
    """Close all kept connections of this process."""
    for file, kept in _kept.items():
        while kept and file.process == os.getpid():
            kept.pop().close()
