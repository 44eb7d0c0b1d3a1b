"""Bytes between a client and the storage: bounded, hashed and typed while they arrive."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from tempfile import SpooledTemporaryFile
from typing import Protocol

from chat.conf import conf
from chat.files.media_types import Detector
from chat.protocol.errors import CommandError

MIB = 1024 * 1024
IN_MEMORY_BYTES = MIB  # of one file; the rest of a larger one is in a temporary file
PART_BYTES = 64 * 1024
FORM_BYTES = 16 * 1024  # of a form beside its file


class Readable(Protocol):
    """A request's body, or an open file."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; empty: the end."""


def most_bytes() -> int:
    """The size that one file may have."""
    return conf.FILE_MIB * MIB


def most_form_bytes() -> int:
    """The size that a form with a file may have."""
    return most_bytes() + FORM_BYTES


class Spool(AbstractContextManager["Spool"]):
    """The content of one file. `param`: the field that a refusal names."""

    def __init__(self, param: str | None = None) -> None:
        self.file = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self.size = 0
        self._param, self._most = param, most_bytes()
        self._sha256, self._detector = hashlib.sha256(), Detector()

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def write(self, part: bytes) -> None:
        """Take the next part. Raises CommandError beyond the size of a file."""
        self.size += len(part)
        if self.size > self._most:
            raise CommandError("file_too_large", self._param)
        self._sha256.update(part)
        self._detector.feed(part)
        self.file.write(part)

    def fill(self, source: bytes | Readable) -> None:
        """Take all of `source`, as `write`."""
        for part in _parts(source):
            self.write(part)

    def close(self) -> None:
        """Delete the content."""
        self.file.close()

    @property
    def sha256(self) -> str:
        """Of the content so far, in hexadecimal digits."""
        return self._sha256.hexdigest()

    @property
    def media_type(self) -> str:
        """Of the whole content (`media_types.py`)."""
        return self._detector.media_type()


def _parts(source: bytes | Readable) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    while part := source.read(PART_BYTES):
        yield part
