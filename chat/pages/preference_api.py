"""A person's settings of new conversations."""

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.pages.conversation_api import json_view
from chat.preference_models import Preferences, preferences_of
from chat.protocol.commands import PreferencesChange, preferences_change
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.responses.model_catalog import catalog


@require_http_methods(["GET", "HEAD", "PATCH"])
@never_cache
@json_view
def preferences(request: HttpRequest) -> JSON:
    """The visitor's preferences, after a change of the fields that the body has; null removes one."""
    assert request.user.pk is not None  # as `json_view` checked
    if request.method == "PATCH":
        _store(request.user.pk, _parse(request))
    return preferences_of(request.user.pk)


def _parse(request: HttpRequest) -> PreferencesChange:
    try:
        change = preferences_change(request.body)
    except RequestDataTooBig:
        raise CommandError("frame_too_large") from None
    if change.model is not None and change.model not in catalog():
        raise CommandError("model_not_found", "model")
    return change


@transaction.atomic
def _store(owner_id: int, change: PreferencesChange) -> None:
    row, _ = Preferences.objects.select_for_update().get_or_create(owner_id=owner_id)
    values = row.values | change.sent()
    row.values = {name: value for name, value in values.items() if value is not None}
    row.save(update_fields=["values"])
