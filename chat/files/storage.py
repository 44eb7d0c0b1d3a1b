"""The bytes of files: Django's storage `files`, of its setting STORAGES; without one, `default`.

The only module that calls it: each backend has other errors, and here they become one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages

ALIAS = "files"


class StorageError(OSError):
    """The storage is unavailable; the message is the name of the backend's error."""


def write(name: str, content: IO[bytes]) -> str:
    """Store all of `content`. Returns the name that the storage chose. Raises StorageError."""
    content.seek(0)
    with _one_error():
        return backend().save(name, File(content, name))


def read(name: str) -> bytes:
    """The bytes. Raises FileNotFoundError, StorageError."""
    with _one_error(), backend().open(name) as file:
        content: bytes = file.read()
        return content


def delete(name: str) -> None:
    """Delete the bytes, if there are any. Raises StorageError."""
    with _one_error():
        backend().delete(name)


def backend() -> Storage:
    """The configured storage."""
    return storages[ALIAS if ALIAS in settings.STORAGES else "default"]


@contextmanager
def _one_error() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise StorageError(type(error).__name__) from error
