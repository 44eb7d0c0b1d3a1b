"""The admin: everything can be seen, and only titles changed."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from chat import admin as admin_module
from chat.accounts import api_keys
from chat.accounts.api_keys import create_key, find_key
from chat.models import Conversation, Response, Status, TitleSource
from chat.webhook_models import Webhook
from chat.webhooks.registration import create_webhook
from tests.chat.rows import stored
from tests.chat.sharing_links import shared

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]


@pytest.fixture
def admin(client: Client) -> Client:
    """A superuser's browser."""
    client.force_login(User.objects.create_user("boss", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def answered(owner: User) -> Response:
    """A response with something to see."""
    return stored(
        owner, "How deep?", output="<b>Two</b> metres.", status=Status.COMPLETED, metadata={"k": "v"}
    )


def page(name: str, *args: object) -> str:
    return reverse(f"admin:tailrace_{name}", args=args)


@pytest.mark.parametrize("kind", ["conversation", "response"])
def test_a_list_shows_and_finds_rows(admin: Client, answered: Response, kind: str) -> None:
    row = answered if kind == "response" else answered.conversation
    for search in ("", row.wire_id, "owner"):
        listed = admin.get(page(f"{kind}_changelist"), {"q": search})
        assert listed.status_code == 200
        assert row.wire_id in listed.content.decode()
    assert row.wire_id not in admin.get(page(f"{kind}_changelist"), {"q": "no such id"}).content.decode()


def test_a_response_can_be_read_and_not_changed(admin: Client, answered: Response) -> None:
    address = page("response_change", answered.pk)
    shown = admin.get(address)
    assert shown.status_code == 200
    assert "&lt;b&gt;Two&lt;/b&gt; metres." in shown.content.decode()
    assert 'name="_save"' not in shown.content.decode()
    assert admin.post(address, {"output": "Three"}).status_code == 403
    answered.refresh_from_db()
    assert answered.output == "<b>Two</b> metres."


def test_a_conversation_can_be_given_another_title_and_nothing_else(
    admin: Client, answered: Response, stranger: User
) -> None:
    conversation = answered.conversation
    address = page("conversation_change", conversation.pk)
    assert admin.get(address).status_code == 200
    fields = {"title": "Depths", "owner": stranger.pk, "metadata": '{"k": "v"}'}
    assert admin.post(address, fields).status_code == 302
    conversation.refresh_from_db()
    assert (conversation.title, conversation.owner_id) == ("Depths", answered.owner_id)
    assert conversation.metadata == {}


@pytest.mark.parametrize("kind", ["conversation", "response"])
def test_rows_cannot_be_added(admin: Client, kind: str) -> None:
    answer: Any = admin.post(page(f"{kind}_add"), {"title": "Depths"})
    assert answer.status_code == 403
    assert (Conversation.objects.count(), Response.objects.count()) == (0, 0)


def test_the_admin_is_for_staff(client: Client, owner: User, answered: Response) -> None:
    client.force_login(owner)
    assert client.get(page("response_change", answered.pk)).status_code == 302


def test_a_link_is_shown_without_its_token_and_can_be_revoked(
    admin: Client, answered: Response, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    notified = []

    async def notify(conversation_id: Any) -> None:
        notified.append(conversation_id)

    monkeypatch.setattr(admin_module, "notify_readers_to_recheck", notify)
    share = shared(owner, answered)
    for address in (page("share_changelist"), page("share_change", share.pk)):
        shown = admin.get(address)
        assert shown.status_code == 200
        assert share.token not in shown.content.decode()
    fields = {"action": "revoke", "_selected_action": [str(share.pk)]}
    admin.post(page("share_changelist"), fields)
    share.refresh_from_db()
    assert share.revoked_at is not None
    assert notified == [answered.conversation_id]


def test_a_key_is_shown_without_its_digest_and_can_be_revoked(
    admin: Client, owner: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    notified = []

    async def notify(owner_id: int) -> None:
        notified.append(owner_id)

    monkeypatch.setattr(api_keys, "notify_owner_to_recheck", notify)
    key, text = create_key(owner, "laptop")
    for address in (page("apikey_changelist"), page("apikey_change", key.pk)):
        shown = admin.get(address).content.decode()
        assert "laptop" in shown
        assert key.hint in shown
        assert not [secret for secret in (text, key.digest) if secret in shown]
    fields = {"action": "revoke", "_selected_action": [str(key.pk)]}
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(page("apikey_changelist"), fields)
    assert find_key(text) is None
    assert notified == [owner.pk]


@pytest.mark.parametrize("at_once", [False, True])
def test_a_key_that_is_deleted_ends_at_once(
    admin: Client,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    at_once: bool,
) -> None:
    notified = []

    async def notify(owner_id: int) -> None:
        notified.append(owner_id)

    monkeypatch.setattr(api_keys, "notify_owner_to_recheck", notify)
    key, text = create_key(owner, "laptop")
    address, fields = page("apikey_delete", key.pk), {"post": "yes"}
    if at_once:
        address = page("apikey_changelist")
        fields |= {"action": "delete_selected", "_selected_action": str(key.pk)}
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(address, fields).status_code == 302
    assert find_key(text) is None
    assert notified == [owner.pk]
    added: Any = admin.post(page("apikey_add"), {"name": "other", "owner": owner.pk})
    assert added.status_code == 403


def test_a_title_of_the_admin_is_not_replaced_by_a_models(admin: Client, answered: Response) -> None:
    address = page("conversation_change", answered.conversation_id)
    admin.post(address, {"title": ""})
    assert Conversation.objects.get().title_source == TitleSource.QUESTION  # unchanged
    admin.post(address, {"title": "Depth"})
    assert Conversation.objects.get().title_source == TitleSource.OWNER


def test_a_webhook_is_added_with_a_secret_that_is_shown_once(admin: Client, owner: User) -> None:
    fields: dict[str, Any] = {"owner": owner.pk, "events": ["response.failed"]}
    add = page("webhook_add")
    assert "https" in admin.post(add, fields | {"url": "http://10.0.0.1/"}).content.decode()
    assert Webhook.objects.count() == 0
    shown = admin.post(add, fields | {"url": "https://example.org/"}, follow=True).content.decode()
    webhook = Webhook.objects.get()
    assert (webhook.owner, webhook.events) == (owner, ["response.failed"])
    assert webhook.secret in shown
    change = page("webhook_change", webhook.pk)
    assert webhook.secret not in admin.get(change).content.decode()
    admin.post(change, {"events": ["response.failed"], "url": "https://example.net/"})
    changed = Webhook.objects.get()
    assert (changed.url, changed.secret, changed.owner) == ("https://example.net/", webhook.secret, owner)


def test_a_disabled_webhook_can_be_enabled(admin: Client, owner: User) -> None:
    webhook = create_webhook(owner, "https://example.org/")
    Webhook.objects.disable(webhook.pk, webhook.created_at)
    admin.post(page("webhook_changelist"), {"action": "enable", "_selected_action": [str(webhook.pk)]})
    assert Webhook.objects.get().disabled_at is None
