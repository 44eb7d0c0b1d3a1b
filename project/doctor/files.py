"""Check the storage of people's files: written, read, deleted."""

from io import BytesIO
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from chat.files import storage
from chat.ids import new_id
from project.doctor.finding import Finding, error, ok

CONTENT = b"written by manage.py doctor"
SHARE = "several hosts need a storage that they share"
REMEDY = "Check its rights and space, or TAILRACE_FILES_STORAGE and its options: docs/deployment.md."


def examine() -> list[Finding]:
    """Write, read and delete a file."""
    backend = storage.backend()
    folder = Path(backend.location) if isinstance(backend, FileSystemStorage) else None
    place = folder or type(backend).__name__
    if folder and not folder.exists():  # made here, it could belong to another user than the web's
        return [ok("files", f"the first upload makes {place}; {SHARE}")]
    try:
        is_kept = _keeps_content()
    except (storage.StorageError, FileNotFoundError) as trouble:
        return [error("files", f"{place} cannot be used ({trouble or type(trouble).__name__})", REMEDY)]
    if not is_kept:
        return [error("files", f"{place} returned another content", REMEDY)]
    return [ok("files", f"{place} can be written" + (f"; {SHARE}" if folder else ""))]


def _keeps_content() -> bool:
    name = storage.write(f"doctor-{new_id().hex}", BytesIO(CONTENT))
    try:
        return storage.read(name) == CONTENT
    finally:
        storage.delete(name)
