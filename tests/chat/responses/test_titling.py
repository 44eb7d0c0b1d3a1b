"""Titling: which ended responses have their conversation named by the title model."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.models import Conversation, Response, Status, TitleSource
from chat.responses import titling
from chat.responses.representation import response_object
from chat.responses.titling import request_title
from chat.transport.job_queue import TITLE, TITLES
from tests.chat.rows import on_rows, saved, stored
from tests.harness.broker import Broker
from tests.harness.waiting import deadline

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _title_model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TAILRACE_TITLE_MODEL = "small"
    monkeypatch.setattr(titling, "SECS", deadline())


async def ended(
    owner: User, status: Status = Status.COMPLETED, previous: Response | None = None, **fields: Any
) -> Response:
    """A stored response with this status, whose title was requested."""
    relatives = {"previous": previous, "conversation": previous.conversation} if previous else {}
    row = await on_rows(stored, owner, output="Two metres.", status=status, **relatives | fields)
    await request_title(response_object(await saved(row.pk)))
    return row


async def test_the_message_after_a_first_answer_has_the_id_of_the_conversation_alone(
    owner: User, broker: Broker
) -> None:
    row = await ended(owner)
    (message,) = broker.jobs(TITLES)
    assert (message.task, message.args) == (TITLE, [row.conversation.wire_id])
    assert message.id != row.wire_id
    assert message.expires is not None
    assert broker.jobs() == []


async def test_nobody_is_asked_after_a_third_answer(owner: User, broker: Broker) -> None:
    row = None
    for _ in range(4):
        row = await ended(owner, previous=row)
    assert len(broker.jobs(TITLES)) == 2


async def test_neither_failures_nor_named_conversations_are_asked_about(
    owner: User, broker: Broker, settings: Settings
) -> None:
    for status in (Status.FAILED, Status.CANCELLED, Status.INCOMPLETE):
        await ended(owner, status)
    for source in (TitleSource.OWNER, TitleSource.MODEL):
        row = await on_rows(stored, owner, output="Two metres.", status=Status.COMPLETED)
        await on_rows(Conversation.objects.filter(pk=row.conversation_id).update, title_source=source)
        await request_title(response_object(await saved(row.pk)))
    settings.TAILRACE_TITLE_MODEL = ""
    await ended(owner)
    assert broker.jobs(TITLES) == []


async def test_without_a_broker_the_title_stays(
    owner: User, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.transport.job_queue.waiting", _refused)
    await ended(owner)
    assert "gets no title: OSError" in caplog.text


def _refused(_: str) -> None:
    raise OSError


async def test_a_queue_that_no_worker_serves_does_not_grow(
    owner: User, broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(titling, "MAX_WAITING", 2)
    for _ in range(4):
        await ended(owner)
    assert len(broker.jobs(TITLES)) == 2
    assert "too many jobs wait in titles" in caplog.text


async def test_a_slow_broker_holds_up_nobody(
    owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()
    monkeypatch.setattr(titling, "SECS", 0.05)
    monkeypatch.setattr("chat.transport.job_queue.waiting", lambda _: released.wait(deadline()))
    await ended(owner)
    released.set()
    assert "gets no title: TimeoutError" in caplog.text


async def test_a_programs_conversation_gets_no_title(owner: User, broker: Broker) -> None:
    conversation = await on_rows(Conversation.objects.create, owner=owner, listed=False)
    await ended(owner, conversation=conversation, listed=False)
    assert broker.jobs(TITLES) == []
    assert not await on_rows(Conversation.objects.unnamed().exists)
