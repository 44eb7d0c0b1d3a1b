"""A link gives access from its creation to its revocation, and one at a time exists."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.utils import timezone
from pytest_django import Settings

from chat.models import Conversation
from chat.protocol.errors import CommandError
from chat.share_models import PATTERN, Share, digest, new_token
from chat.sharing.links import create, find, link_of, live_ids, revoke
from tests.chat.rows import stored
from tests.chat.sharing_links import shared
from tests.harness.waiting import deadline

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation(owner: User) -> Conversation:
    return stored(owner).conversation


def test_a_token_cannot_be_guessed() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {32}  # 6 bits each


def test_a_link_is_found_until_it_is_revoked(owner: User, conversation: Conversation) -> None:
    link = create(owner.pk, conversation.pk)
    assert find(link.token) == link_of(owner.pk, conversation.pk) == link
    assert create(owner.pk, conversation.pk) == link
    assert revoke(owner.pk, conversation.pk)
    assert find(link.token) is None
    assert link_of(owner.pk, conversation.pk) is None
    assert not revoke(owner.pk, conversation.pk)
    new = create(owner.pk, conversation.pk)
    assert new.token != link.token
    assert find(link.token) is None
    assert Share.objects.count() == 1


def test_a_deleted_conversation_has_no_link_until_it_is_restored(
    owner: User, conversation: Conversation
) -> None:
    link = create(owner.pk, conversation.pk)
    Conversation.objects.update(deleted_at=timezone.now())
    assert find(link.token) is None
    assert live_ids({link.pk}) == set()
    with pytest.raises(CommandError):
        create(owner.pk, conversation.pk)
    Conversation.objects.update(deleted_at=None)
    assert find(link.token) == link


@pytest.mark.usefixtures("no_redis")
def test_an_inactive_or_deleted_owner_shares_nothing(owner: User, conversation: Conversation) -> None:
    link = create(owner.pk, conversation.pk)
    User.objects.update(is_active=False)
    assert find(link.token) is None
    owner.delete()
    assert Share.objects.count() == 0


def test_no_other_user_shares_a_conversation(stranger: User, conversation: Conversation) -> None:
    for act in (create, revoke, link_of):
        with pytest.raises(CommandError, match="conversation_not_found"):
            act(stranger.pk, conversation.pk)


def test_without_sharing_no_link_is_found_or_made(
    owner: User, conversation: Conversation, settings: Settings
) -> None:
    link = create(owner.pk, conversation.pk)
    settings.TAILRACE_SHARING = False
    assert find(link.token) is None
    with pytest.raises(CommandError):
        create(owner.pk, conversation.pk)


def test_requests_at_the_same_time_get_one_link(owner: User, conversation: Conversation) -> None:
    ready = threading.Barrier(4)

    def made() -> str:
        try:
            ready.wait(deadline())
            return create(owner.pk, conversation.pk).token
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        tokens = {future.result() for future in [pool.submit(made) for _ in range(4)]}
    assert len(tokens) == 1


def test_the_database_refuses_a_second_live_link(owner: User, conversation: Conversation) -> None:
    link = shared(owner, conversation.responses.get())
    with pytest.raises(IntegrityError):
        Share.objects.create(conversation=link.conversation, token="x", digest=digest("x"))


def test_unknown_and_revoked_tokens_take_one_query(
    owner: User, conversation: Conversation, django_assert_num_queries: object
) -> None:
    link = create(owner.pk, conversation.pk)
    revoke(owner.pk, conversation.pk)
    for token in (link.token, new_token()):
        with django_assert_num_queries(1):  # type: ignore[operator]  # pytest-django's fixture
            assert find(token) is None
    assert PATTERN.endswith("{32}")
