"""Events of ended responses: which webhooks get one, and that it is stored with the end."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from chat.models import Response, Status
from chat.protocol.composer import Ending
from chat.responses import ending
from chat.responses.ending import settle
from chat.responses.representation import response_object
from chat.transport.event_log import Log
from chat.transport.job_queue import DELIVER, WEBHOOKS
from chat.webhook_models import Delivery, Webhook
from chat.webhooks import sending
from chat.webhooks.recording import record
from chat.webhooks.registration import create_webhook
from tests.chat.rows import on_rows, saved, stored
from tests.chat.test_models import ended
from tests.harness.broker import Broker
from tests.harness.waiting import deadline

URL = "https://example.org/hook"


def recorded(row: Response) -> list[Delivery]:
    return record(response_object(row))


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "incomplete"])
def test_an_owners_webhook_gets_the_event_of_each_end(owner: User, stranger: User, status: str) -> None:
    webhook, _ = create_webhook(owner, URL), create_webhook(stranger, URL)
    row = stored(owner, status=status)
    (delivery,) = recorded(row)
    assert delivery.webhook == webhook
    assert delivery.type == f"response.{status}"
    assert delivery.response_id == row.wire_id
    assert delivery.event_id == row.wire_id.replace("resp_", "evt_")
    assert Delivery.objects.get().due_at > delivery.created_at


def test_only_enabled_webhooks_of_active_owners_that_want_the_event_get_it(owner: User) -> None:
    create_webhook(owner, URL, ["response.failed"])
    disabled = create_webhook(owner, URL)
    Webhook.objects.disable(disabled.pk, disabled.created_at)
    row = stored(owner, status=Status.COMPLETED)
    assert recorded(row) == []
    wanting = [create_webhook(owner, URL, ["response.completed"]), create_webhook(owner, URL)]
    assert [delivery.webhook for delivery in recorded(row)] == wanting
    User.objects.update(is_active=False)
    assert recorded(stored(owner, status=Status.COMPLETED)) == []


def test_a_response_that_is_not_stored_has_no_event(owner: User) -> None:
    create_webhook(owner, URL)
    assert recorded(stored(owner, status=Status.COMPLETED, stored=False)) == []


def test_without_a_webhook_an_end_costs_one_query(
    response: Response, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = response_object(response)
    with django_assert_num_queries(1):
        assert record(row) == []


@pytest.mark.django_db(transaction=True)
async def test_the_end_of_a_row_and_its_event_are_stored_together(
    owner: User, log: Log, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECS", deadline())
    webhook = await on_rows(create_webhook, owner, URL)
    row = await on_rows(stored, owner, status=Status.IN_PROGRESS)
    terminal = ended(row, Ending("completed", at=5.0))

    def refuse(_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(ending, "record", refuse)
        with pytest.raises(ConnectionResetError):
            await settle(terminal)
    assert (await saved(row.pk)).status == Status.IN_PROGRESS
    await settle(terminal)
    assert (await saved(row.pk)).status == Status.COMPLETED
    delivery = await on_rows(Delivery.objects.get)
    (message,) = broker.jobs(WEBHOOKS)
    assert (message.task, message.args) == (DELIVER, [delivery.pk, 0, webhook.pk.hex])
    assert message.expires is not None
    await settle(terminal)
    assert len(broker.jobs(WEBHOOKS)) == await on_rows(Delivery.objects.count) == 1


def test_a_response_that_is_unknown_has_no_event(owner: User) -> None:
    create_webhook(owner, URL)
    assert recorded(Response(pk=uuid4(), owner=owner, status=Status.COMPLETED, conversation_id=uuid4())) == []
