"""SQLite for many short pieces of work: closing a connection keeps it, opening one takes it.

What sockets and jobs ask of the database, each in a thread of its own, is a query or two. To open a file, to
register Django's functions and to set the pragmas takes longer than that, and closing the last connection
moves the whole write-ahead log into the file. For PostgreSQL Django has a pool of its own.
"""

import atexit
import os
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from django.db.backends.sqlite3 import base

MAX_KEPT = 40  # of one file: what a busy process opens at once, and then some

_kept: dict["File", list[sqlite3.Connection]] = {}


class File(NamedTuple):
    """A database file as one process knows it: another file in its place is another one."""

    process: int
    device: int
    inode: int


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is taken from those that are kept, and given back."""

    _file: File | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """Take one that is kept; without, open one."""
        self._file = _file_at(conn_params["database"])
        while self._file and (kept := _kept.get(self._file)):
            try:
                return kept.pop()
            except IndexError:  # another thread was quicker
                continue
        opened: sqlite3.Connection = super().get_new_connection(conn_params)
        self._file = _file_at(conn_params["database"])  # it may be new
        return opened

    def _close(self) -> None:
        """Keep it, unless it is in the middle of something or there are enough."""
        connection, file = self.connection, self._file
        broken = self.errors_occurred or self.in_atomic_block
        if connection is None or file is None or broken or connection.in_transaction:
            super()._close()  # type: ignore[misc]  # django-stubs does not know it
            return
        kept = _kept.setdefault(file, [])
        if len(kept) < MAX_KEPT:
            kept.append(connection)
        else:
            super()._close()  # type: ignore[misc]


def _file_at(path: Any) -> File | None:
    """The file behind a database's name; None if there is none, as with one in memory."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return File(os.getpid(), found.st_dev, found.st_ino)


@atexit.register
def close_kept() -> None:
    """Close all that are kept by this process."""
    for file, kept in _kept.items():
        while kept and file.process == os.getpid():
            kept.pop().close()
