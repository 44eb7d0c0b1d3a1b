"""Lock an owner, so that counts of the owner's rows are exact for parallel requests."""

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model

from chat.protocol.errors import CommandError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def lock_owner(owner_id: int) -> "AbstractBaseUser":
    """Lock an owner's row to the end of the transaction. Raises CommandError if it is deleted.

    SQLite needs no lock: a transaction there is the only writer from its start (`transaction_mode`).
    """
    # no_key: inserted rows refer to the owner, and would wait otherwise
    owner = get_user_model().objects.select_for_update(no_key=True).filter(pk=owner_id).first()
    if owner is None:
        raise CommandError("unauthenticated")
    return owner
