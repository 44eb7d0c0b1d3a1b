"""A user's API keys, as JSON: list, make, revoke."""

from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from chat.accounts.api_keys import create_key, may_have_keys, revoke_key
from chat.accounts.guests import admit_guest
from chat.key_models import ApiKey
from chat.pages.conversation_api import json_errors, json_view
from chat.protocol.commands import KeyRequest, key_request
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@json_errors
def keys(request: HttpRequest) -> JSON:
    """The keys that have not ended, the newest first; POST makes one, and only its reply has the text.

    Where guests may have keys, a visitor becomes one with the first.
    """
    if not request.user.is_authenticated and not may_have_keys(request.user):
        raise CommandError("unauthenticated")
    return _create(request) if request.method == "POST" else {"keys": listed(request.user.pk)}


@require_http_methods(["DELETE"])
@never_cache
@json_view
def key(request: HttpRequest, id: UUID) -> JSON:  # noqa: A002 - the URL's own word
    """Revoke a key of the user's. Returns the others."""
    found = ApiKey.objects.filter(owner_id=request.user.pk, pk=id).first()
    if found is None:
        raise CommandError("key_not_found")
    revoke_key(found)
    return {"keys": listed(request.user.pk)}


def listed(owner_id: int | None) -> list[JSON]:
    """The keys of an owner that have not ended, the newest first."""
    return [_shown(each) for each in ApiKey.objects.live().filter(owner_id=owner_id).order_by("-id")]


@sensitive_variables("text")
def _create(request: HttpRequest) -> JSON:
    asked = _parse(request)
    owner = request.user if request.user.is_authenticated else admit_guest(request)
    expires_at = timezone.now() + timedelta(days=asked.days) if asked.days else None
    made, text = create_key(owner, asked.name, expires_at)
    return {"key": _shown(made), "text": text, "keys": listed(owner.pk)}


def _parse(request: HttpRequest) -> KeyRequest:
    try:
        return key_request(request.body)
    except RequestDataTooBig:
        raise CommandError("frame_too_large") from None


def _shown(found: ApiKey) -> JSON:
    moments = {name: getattr(found, name) for name in ("created_at", "last_used_at", "expires_at")}
    seconds = {name: _seconds(moment) for name, moment in moments.items()}
    return {"id": str(found.id), "name": found.name, "hint": found.hint, **seconds}


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
