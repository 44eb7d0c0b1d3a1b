"""Take a guest's work into an account: conversations, responses and files, in one transaction.

Running answers continue: only these rows know the owner. `chat/pages/guest_work.py` asks before.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet

from chat.accounts.guests import is_guest
from chat.file_models import File, FileState, FileUse
from chat.models import LIVE, Conversation, Response
from chat.protocol.input_items import with_other_files


def count_conversations(guest_id: int) -> int:
    """Count what a guest sees in the list."""
    return Conversation.objects.visible_to(guest_id).count()


@transaction.atomic(durable=True)
def take(guest_id: int, account_id: int) -> bool:
    """Change the owner of all that a guest has, and delete the guest: its sessions and sockets end.

    False: one of them is deleted, perhaps because another request has taken it. Blocks.
    """
    users = get_user_model().objects.filter(pk__in=(guest_id, account_id))
    # a new response or file locks its owner, too. In one order: another request may name the same two
    owners = {owner.pk: owner for owner in users.select_for_update(no_key=True).order_by("pk")}
    guest, account = owners.get(guest_id), owners.get(account_id)
    if guest is None or account is None or not is_guest(guest) or is_guest(account):
        return False
    _take_responses(guest_id, account_id)
    _take_files(guest_id, account_id)
    guest.delete()
    return True


def _take_responses(guest_id: int, account_id: int) -> None:
    responses = Response.objects.filter(owner_id=guest_id)
    known = Response.objects.filter(owner_id=account_id).exclude(client_request_id=None)
    responses.filter(client_request_id__in=known.values("client_request_id")).update(client_request_id=None)
    # in the order in which others lock them: an end locks the response before its conversation, while
    # `tidy` locks conversations without live responses before their responses
    responses.filter(status__in=LIVE).update(owner_id=account_id)
    Conversation.objects.filter(owner_id=guest_id).update(owner_id=account_id)
    responses.update(owner_id=account_id)


def _take_files(guest_id: int, account_id: int) -> None:
    """Of a file that the account has already, that one is used."""
    files = File.objects.filter(owner_id=guest_id)
    own = dict(File.objects.stored_of(account_id).values_list("sha256", "pk"))
    doubles = files.filter(state=FileState.STORED, sha256__in=own).select_for_update().order_by("pk")
    same = {row.pk: own[row.sha256] for row in doubles}
    _replace(same)
    File.objects.discard(same)
    files.exclude(state=FileState.DELETING).update(owner_id=account_id)


def _replace(files: Mapping[UUID, UUID]) -> None:
    """Let responses refer to other files, by their old ones."""
    names = {File(pk=old).wire_id: File(pk=new).wire_id for old, new in files.items()}
    uses: QuerySet[FileUse] = FileUse.objects.filter(file__in=files)
    for row in Response.objects.filter(file_uses__in=uses).distinct().only("input"):
        renamed: list[Any] = with_other_files(row.input, names)
        Response.objects.filter(pk=row.pk).update(input=renamed)
    for old, new in files.items():
        FileUse.objects.filter(file_id=old).update(file_id=new)
