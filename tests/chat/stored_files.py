"""Files for tests: rows, and what a folder of the storage holds."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from chat.file_models import File
from chat.files.storing import store
from tests.chat.contents import TEXT


def kept(owner: User, content: bytes = TEXT, name: str = "depths.txt", **fields: Any) -> File:
    """A stored file, with other fields afterwards."""
    row = store(owner, name, content)
    File.objects.filter(pk=row.pk).update(**fields)
    row.refresh_from_db()
    return row


def uploaded_at(moment: datetime) -> None:
    """Change the time of every upload."""
    File.objects.update(uploaded_at=moment, created_at=timezone.now())


def contents(folder: Path) -> list[bytes]:
    """The contents of all files in the storage."""
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())
