"""Bound the files of each owner: their number and their bytes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Sum

from chat.accounts.guests import is_guest
from chat.conf import conf
from chat.file_models import File, FileState
from chat.files.spool import MIB
from chat.protocol.errors import CommandError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@dataclass(frozen=True, slots=True)
class Quota:
    """An owner's bounds."""

    files: int
    bytes: int


def quota_of(owner: "AbstractBaseUser") -> Quota:
    """The configured limits of a user or guest."""
    if is_guest(owner):
        return Quota(conf.GUEST_MAX_FILES, conf.GUEST_MAX_FILES_MIB * MIB)
    return Quota(conf.MAX_FILES, conf.MAX_FILES_MIB * MIB)


def check_quota(owner: "AbstractBaseUser", size: int, param: str | None) -> None:
    """Raise CommandError if the owner, who is locked, has no room for `size` bytes; uploads count."""
    quota = quota_of(owner)
    kept = File.objects.filter(owner_id=owner.pk).exclude(state=FileState.DELETING)
    used = kept.aggregate(files=Count("pk"), bytes=Sum("size", default=0))
    if used["files"] >= quota.files:
        raise CommandError("too_many_files", param)
    if used["bytes"] + size > quota.bytes:
        raise CommandError("too_many_file_bytes", param)
