"""The API key of `up`'s own guest: in a private file of the data directory, so that the next start has it."""

from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.utils import timezone

from chat.accounts.api_keys import create_key
from chat.accounts.guests import create_guest
from chat.key_models import ApiKey, digest
from project.up import private_file

FILE_NAME = "api-key"
NAME = "manage.py up"


def read(data_dir: Path) -> str:
    """The key of the last start; empty without one."""
    return (private_file.read(data_dir / FILE_NAME) or "").strip()


def keep(data_dir: Path) -> None:
    """Make a key unless the file's gives access; a new one is of the same guest, if there is one. Blocks."""
    former = ApiKey.objects.filter(digest=digest(read(data_dir))).select_related("owner").first()
    guest = former.owner if former is not None and former.owner.is_active else create_guest()
    if former is None or not ApiKey.objects.usable().filter(pk=former.pk).exists():
        _, text = create_key(guest, NAME)
        private_file.write(data_dir / FILE_NAME, f"{text}\n")
    _visit(guest)


def _visit(guest: User) -> None:
    """Count the start as a visit: guests without one are deleted."""
    get_user_model().objects.filter(pk=guest.pk).update(last_login=timezone.now())
