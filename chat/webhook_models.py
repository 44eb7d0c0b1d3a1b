"""Database rows of webhooks: addresses that are notified of ended responses, and undelivered events.

A delivery is a row until it has arrived or is given up. Its claim is a conditional UPDATE whose row count
decides: of the messages for one attempt, one posts.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from chat.ids import EVENT, RESPONSE, WEBHOOK, new_id, wire_id
from chat.wire_id_field import WireIdField


class WebhookQuerySet(models.QuerySet["Webhook"]):
    """The transitions."""

    def live(self) -> "WebhookQuerySet":
        """Those that get events: enabled, of active owners."""
        return self.filter(disabled_at=None, owner__is_active=True)

    def note_success(self, webhook_id: UUID) -> None:
        """It has accepted an event."""
        self.filter(pk=webhook_id, failing_since__isnull=False).update(failing_since=None, last_failure="")

    def note_failure(self, webhook_id: UUID, failure: str, now: datetime) -> None:
        """It has not accepted an event."""
        since = Coalesce("failing_since", Value(now))
        self.filter(pk=webhook_id).update(failing_since=since, last_failure=failure)

    def disable(self, webhook_id: UUID, now: datetime) -> bool:
        """End its deliveries. False: another process has."""
        disabled = bool(self.filter(pk=webhook_id, disabled_at=None).update(disabled_at=now))
        Delivery.objects.filter(webhook=webhook_id).delete()
        return disabled

    def enable(self) -> int:
        """Deliver further events. Returns the number of webhooks that were disabled."""
        disabled = self.filter(disabled_at__isnull=False)
        return disabled.update(disabled_at=None, failing_since=None, last_failure="")


class Webhook(models.Model):
    """An address of an owner."""

    id = WireIdField(primary_key=True, default=new_id, editable=False, wire_prefix=WEBHOOK)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=2_000)
    secret = models.CharField(max_length=80, editable=False)  # signing needs it
    events = models.JSONField(help_text="Types of events")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)  # NULL: the last was accepted
    last_failure = models.CharField(max_length=200, blank=True, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.name or self.wire_id} ({'disabled' if self.disabled_at else 'enabled'})"

    @property
    def wire_id(self) -> str:
        """The id for people and logs."""
        return wire_id(WEBHOOK, self.id)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """The transitions."""

    def claim(self, delivery_id: int, attempt: int, until: datetime) -> "Delivery | None":
        """Begin an attempt, the first is 0; a message is sent for the next one at `until`.

        None: another process has it, it has ended, or its webhook gets no events.
        """
        row = self.select_related("webhook").filter(pk=delivery_id, attempts=attempt).first()
        if row is None or not Webhook.objects.live().filter(pk=row.webhook_id).exists():
            return None
        row.attempts = attempt + 1
        claimed = self.filter(pk=delivery_id, attempts=attempt).update(attempts=row.attempts, due_at=until)
        return row if claimed else None

    def postpone(self, row: "Delivery", due_at: datetime) -> None:
        """Set the time of the next attempt, unless another process has begun it."""
        self.filter(pk=row.pk, attempts=row.attempts).update(due_at=due_at)

    def take_due(self, now: datetime, most: int, until: datetime) -> "list[Delivery]":
        """Those whose message must be sent, the oldest first; it is sent again at `until`."""
        due = self.filter(due_at__lte=now, webhook__in=Webhook.objects.live()).order_by("due_at")[:most]
        taken = []
        for row in due:
            if self.filter(pk=row.pk, attempts=row.attempts, due_at=row.due_at).update(due_at=until):
                taken.append(row)
        return taken


class Delivery(models.Model):
    """The event of one response, for one webhook."""

    id = models.BigAutoField(primary_key=True)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    # the response's, which may be deleted before: it ends once, so its event has the same digits
    event = models.UUIDField(editable=False)
    type = models.CharField(max_length=50)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)  # of the next message

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["webhook", "event"], name="one_delivery_per_event"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} ({self.attempts} attempts)"

    @property
    def event_id(self) -> str:
        """The event's id for receivers: the same in every attempt and for every webhook."""
        return wire_id(EVENT, self.event)

    @property
    def response_id(self) -> str:
        """The response's id for clients."""
        return wire_id(RESPONSE, self.event)
