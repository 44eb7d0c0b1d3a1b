"""Record the event of an ended response for its owner's webhooks."""

from uuid import UUID

from django.utils import timezone

from chat.ids import RESPONSE, bare
from chat.protocol.objects import ResponseObject
from chat.webhook_models import Delivery, Webhook
from chat.webhooks.sending import SENT_AGAIN


def record(response: ResponseObject) -> list[Delivery]:
    """Insert a delivery for each webhook that wants the event; the caller sends their messages.

    A response that is not stored has no event: it ended with its reader, and cannot be retrieved.

    In the transaction that ends the row: no process that is lost loses an event. Without a webhook it is one
    query.
    """
    kind, now = f"response.{response['status']}", timezone.now()
    event = UUID(bare(RESPONSE, response["id"]))
    webhooks = Webhook.objects.live().filter(owner__responses__pk=event, owner__responses__stored=True)
    return Delivery.objects.bulk_create(
        Delivery(webhook=webhook, event=event, type=kind, created_at=now, due_at=now + SENT_AGAIN)
        for webhook in webhooks
        if kind in webhook.events
    )
