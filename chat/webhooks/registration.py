"""Register webhooks."""

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from chat.conf import conf
from chat.webhook_models import Webhook
from chat.webhooks.addresses import url_fault
from chat.webhooks.events import TYPES, new_secret

MAX_WEBHOOKS = 20  # of an owner: each ended response has a row for each


def create_webhook(owner: User, url: str, events: Sequence[str] = TYPES, name: str = "") -> Webhook:
    """Register an address. Raises ValidationError, whose messages are sentences."""
    check_url(url)
    check_events(events)
    if owner.webhooks.count() >= MAX_WEBHOOKS:
        raise ValidationError(f"A user has at most {MAX_WEBHOOKS} webhooks.")
    webhook = Webhook(owner=owner, name=name, url=url, events=list(events), secret=new_secret())
    webhook.full_clean()
    webhook.save(force_insert=True)
    return webhook


def check_url(url: str) -> None:
    """Raise ValidationError if a webhook cannot have this URL."""
    if fault := url_fault(url, conf.WEBHOOK_PRIVATE):
        raise ValidationError(fault)


def check_events(events: Iterable[str]) -> None:
    """Raise ValidationError unless all are types of events, and there is one."""
    found = list(events)
    if not found or set(found) - set(TYPES):
        raise ValidationError(f"The events are some of {', '.join(TYPES)}.")
