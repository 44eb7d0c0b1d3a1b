"""The page's request for a guest, before its first message."""

from django.http import HttpRequest
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from chat.accounts.guests import admit_guest
from chat.pages.conversation_api import json_errors
from chat.protocol.events import JSON


def socket_path(owner_id: int) -> str:
    """The socket of an owner's page."""
    return f"{reverse('page')}ws/responses/?owner={owner_id}"


@require_POST
@never_cache
@json_errors
def guest(request: HttpRequest) -> JSON:
    """The visitor's guest, and its socket. The CSRF middleware admits our pages only."""
    owner = admit_guest(request)
    return {"owner": str(owner.pk), "socket_path": socket_path(owner.pk)}
