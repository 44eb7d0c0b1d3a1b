"""Take a guest's work into an account: conversations, responses, files and preferences, in one transaction.

Waiting responses and files may exceed the account's limits then: none is lost, and new ones are refused.
Running answers continue: only these rows know the owner. `chat/pages/guest_work.py` asks before.
"""

from django.contrib.auth import get_user_model
from django.db import transaction

from chat.accounts.guests import is_guest
from chat.file_models import File, FileState
from chat.models import LIVE, MAX_PINNED, Conversation, Response, ResponseQuerySet
from chat.preference_models import Preferences, preferences_of


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
    _take_conversations(guest_id, account_id)
    _take_files(guest_id, account_id)
    _take_preferences(guest_id, account_id)
    guest.delete()
    return True


def _take_conversations(guest_id: int, account_id: int) -> None:
    responses = Response.objects.filter(owner_id=guest_id)
    # in the order in which others lock them: an end locks the response before its conversation, while
    # `tidy` locks conversations without live responses before their responses
    _take_responses(responses.filter(status__in=LIVE), account_id)
    _unpin(guest_id, MAX_PINNED - Conversation.objects.visible_to(account_id).pinned().count())
    Conversation.objects.filter(owner_id=guest_id).update(owner_id=account_id)
    _take_responses(responses, account_id)


def _take_responses(responses: ResponseQuerySet, account_id: int) -> None:
    """A request id that the account has used stays that response's."""
    known = Response.objects.filter(owner_id=account_id).exclude(client_request_id=None)
    responses.filter(client_request_id__in=known.values("client_request_id")).update(client_request_id=None)
    responses.update(owner_id=account_id)


def _unpin(guest_id: int, room: int) -> None:
    """Unpin the guest's oldest for which the account has no room."""
    pinned = Conversation.objects.visible_to(guest_id).pinned().values_list("pk", flat=True)
    Conversation.objects.filter(pk__in=list(pinned[max(room, 0) :])).update(pinned_at=None)


def _take_files(guest_id: int, account_id: int) -> None:
    """Each keeps its id, also one that the account has, too: drafts and claimed responses name it."""
    File.objects.filter(owner_id=guest_id).exclude(state=FileState.DELETING).update(owner_id=account_id)


def _take_preferences(guest_id: int, account_id: int) -> None:
    """The account's settings stay; the guest's fill those that it lacks."""
    if theirs := preferences_of(guest_id):
        row, _ = Preferences.objects.select_for_update().get_or_create(owner_id=account_id)
        row.values = theirs | row.values
        row.save(update_fields=["values"])
