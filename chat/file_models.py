"""Database rows of files; their bytes are in Django's storage (`chat/files/storage.py`).

A row is committed before its bytes are stored, and deleted after them: an interruption leaves no bytes
without a row. Every transition is a conditional UPDATE whose row count decides.
"""

import re
from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from chat.ids import new_id

WIRE_ID = re.compile("file-([0-9a-f]{32})")
USER_DATA = "user_data"  # the purpose of a page's files
OwnerId = int | models.QuerySet[Any, Any]  # or a query of one


def parse_wire_id(text: str) -> UUID | None:
    """The UUID of `file-<32 hex digits>`. None: it is no such id."""
    found = WIRE_ID.fullmatch(text)
    return UUID(found[1]) if found else None


class FileState(models.TextChoices):
    """Whether the storage has a file's bytes."""

    UPLOADING = "uploading"  # a part of them, perhaps; the upload may have been interrupted
    STORED = "stored"
    DELETING = "deleting"  # a part of them, perhaps; no response refers to it, and none can


class FileQuerySet(models.QuerySet["File"]):
    """The transitions."""

    def stored_of(self, owner_id: OwnerId) -> "FileQuerySet":
        """An owner's stored files; never those of deleted users."""
        own = self.filter(owner_id=owner_id)  # type: ignore[misc]  # the stubs know no queries here
        return own.filter(owner__isnull=False, state=FileState.STORED)

    def finish(self, file_id: UUID, storage_name: str) -> bool:
        """Uploading → stored, under the name that the storage chose. False: it was deleted."""
        uploading = self.filter(pk=file_id, state=FileState.UPLOADING)
        return bool(uploading.update(state=FileState.STORED, storage_name=storage_name))

    def keep(self, file_id: UUID, purpose: str) -> None:
        """Keep a stored file until it is deleted, for a program's first purpose."""
        self.filter(pk=file_id, state=FileState.STORED, purpose="").update(purpose=purpose)

    def discard(self, file_ids: Collection[UUID]) -> int:
        """Any state → deleting; the next `tidy` deletes their bytes and rows. Returns the number of rows."""
        return self.filter(pk__in=file_ids).update(state=FileState.DELETING)


class File(models.Model):
    """A file of one user. Only `chat/retention/` deletes rows."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # NULL: the user was deleted, and the bytes will be
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="files"
    )
    name = models.CharField(max_length=255, help_text="As uploaded, without a path")
    media_type = models.CharField(max_length=100, help_text="By the content, never the client's word")
    size = models.PositiveBigIntegerField(help_text="Bytes")
    sha256 = models.CharField(max_length=64)
    purpose = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text="A program's word: it is kept until it is deleted; empty: a page's, kept while it is used",
    )
    state = models.CharField(max_length=20, choices=FileState.choices, default=FileState.UPLOADING)
    storage_name = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)  # for the latest time

    objects = FileQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["state", "uploaded_at"], name="file_by_upload")]

    def __str__(self) -> str:
        return f"{self.wire_id} ({self.state})"

    @property
    def wire_id(self) -> str:
        """The id for clients."""
        return f"file-{self.id.hex}"

    @property
    def is_image(self) -> bool:
        """Whether a browser may show it."""
        return self.media_type.startswith("image/")  # detected, so it is one of `IMAGES`

    @property
    def is_text(self) -> bool:
        """Whether a prompt has it as text."""
        return self.media_type == "text/plain"

    def wire(self) -> dict[str, Any]:
        """OpenAI's file object."""
        return {
            "id": self.wire_id,
            "object": "file",
            "bytes": self.size,
            "filename": self.name,
            "created_at": int(self.created_at.timestamp()),
            "purpose": self.purpose or USER_DATA,
            "status": "processed",
        }


class FileUse(models.Model):
    """A response whose input refers to a file: the file stays as long."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="uses", db_index=False)  # see below
    response = models.ForeignKey("tailrace.Response", on_delete=models.CASCADE, related_name="file_uses")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["file", "response"], name="one_use_per_response"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id} in {self.response_id}"
