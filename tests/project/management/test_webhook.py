"""The command `webhook`."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from openai import OpenAI
from pytest_django import Settings

from chat.ids import new_id
from chat.webhook_models import Delivery, Webhook
from tests.harness.receiver import Receiver, receiving

URL = "https://example.org/hook?token=hidden"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.TAILRACE_WEBHOOK_PRIVATE = ["127.0.0.0/8"]
    with receiving() as server:
        yield server


def called(*arguments: str) -> tuple[str, str]:
    """The standard output and the error output of the command."""
    shown, said = StringIO(), StringIO()
    call_command("webhook", *arguments, stdout=shown, stderr=said)
    return shown.getvalue(), said.getvalue()


def created(owner: User, url: str = URL, *options: str) -> Webhook:
    shown, said = called("create", "--user", owner.username, "--url", url, *options)
    webhook = Webhook.objects.latest("created_at")
    assert shown == f"{webhook.secret}\n"
    assert webhook.wire_id in said
    return webhook


def test_a_webhook_is_created_listed_and_deleted(owner: User) -> None:
    stranger = User.objects.create_user("stranger")
    webhook = created(owner, URL, "--name", "alarm", "--events", "response.failed")
    created(stranger)
    Delivery.objects.create(webhook=webhook, event=new_id(), type="response.failed", due_at=timezone.now())
    shown, _ = called("list", "--user", "owner")
    head, line = [row.split("\t") for row in shown.splitlines()]
    assert dict(zip(head, line, strict=True)) == {
        "ID": webhook.wire_id,
        "CREATED": f"{webhook.created_at:%Y-%m-%d %H:%M}",
        "STATE": "works",
        "WAITING": "1",
        "USER": "owner",
        "NAME": "alarm",
        "EVENTS": "response.failed",
    }
    everybodys = called("list")[0]
    assert len(everybodys.splitlines()) == 3
    assert "hidden" not in everybodys
    assert webhook.secret not in everybodys
    called("delete", webhook.wire_id)
    assert Webhook.objects.get().owner == stranger


def test_the_list_shows_how_it_fails(owner: User) -> None:
    webhook = created(owner)
    Webhook.objects.note_failure(webhook.pk, "status 500", timezone.now())
    assert "failing since" in called("list")[0]
    Webhook.objects.disable(webhook.pk, timezone.now())
    assert "(status 500)" in called("list")[0]
    assert "enabled" in called("enable", webhook.wire_id)[1]
    assert "works" in called("list")[0]


def test_a_test_posts_an_event_that_the_sdk_verifies(owner: User, receiver: Receiver) -> None:
    webhook = created(owner, receiver.url)
    assert "accepted the event: status 204" in called("test", webhook.wire_id)[1]
    (request,) = receiver.requests
    event = OpenAI(api_key="tr_none").webhooks.unwrap(request.content, request.headers, secret=webhook.secret)
    assert event.type == "response.completed"
    receiver.status = 500
    with pytest.raises(CommandError, match="not accepted the event: status 500"):
        called("test", webhook.wire_id)


def test_a_user_without_access_gets_none(owner: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="activate the user"):
        called("create", "--user", "owner", "--url", URL)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("create", "--user", "nobody", "--url", URL), "There is no user nobody"),
        (("create", "--user", "owner", "--url", "http://example.org"), "https"),
        (("list", "--user", "nobody"), "There is no user nobody"),
        (("test", "wh_1"), "`manage.py webhook list` shows them"),
        (("delete", "wh_00000000000000000000000000000000"), "`manage.py webhook list` shows them"),
    ],
)
def test_a_wrong_argument_is_answered_with_a_remedy(
    owner: User, arguments: tuple[str, ...], remedy: str
) -> None:
    with pytest.raises(CommandError, match=remedy):
        called(*arguments)
    assert Webhook.objects.count() == 0
