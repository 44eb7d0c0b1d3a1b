"""Registering a webhook."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from pytest_django import Settings

from chat.webhook_models import Webhook
from chat.webhooks import registration
from chat.webhooks.events import TYPES
from chat.webhooks.registration import create_webhook

URL = "https://example.org/hook"


def test_a_webhook_gets_a_secret_and_all_events(owner: User) -> None:
    first, second = create_webhook(owner, URL), create_webhook(owner, URL, ["response.failed"], "alarm")
    assert first.secret.startswith("whsec_")
    assert first.secret != second.secret
    assert (first.events, second.events) == (list(TYPES), ["response.failed"])
    assert str(second) == "alarm (enabled)"


def test_a_wrong_address_or_event_is_refused(owner: User, settings: Settings) -> None:
    with pytest.raises(ValidationError, match="https"):
        create_webhook(owner, "http://10.0.0.1/hook")
    for events in ([], ["response.created"], ["response.failed", ""]):
        with pytest.raises(ValidationError, match=r"response\.completed"):
            create_webhook(owner, URL, events)
    with pytest.raises(ValidationError, match="100"):
        create_webhook(owner, URL, name="n" * 101)
    assert Webhook.objects.count() == 0
    settings.TAILRACE_WEBHOOK_PRIVATE = ["10.0.0.0/8"]
    create_webhook(owner, "http://10.0.0.1/hook")


def test_an_owner_has_a_bounded_number(owner: User, stranger: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "MAX_WEBHOOKS", 1)
    create_webhook(owner, URL)
    create_webhook(stranger, URL)
    with pytest.raises(ValidationError, match="at most 1"):
        create_webhook(owner, URL)
