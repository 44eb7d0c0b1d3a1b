"""The migrations: what was there before has its place in the list afterwards."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from chat.models import Conversation, Response

BEGUN, ENDED = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
SAID = [{"role": role, "content": role} for role in ("user", "assistant", "user")]


def migrated_to(name: str | None = None) -> Any:
    """The models as they are after a migration, or after the last one."""
    executor = MigrationExecutor(connection)
    targets = [("chat", name)] if name else executor.loader.graph.leaf_nodes("chat")
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.mark.django_db(transaction=True)
def test_what_was_asked_and_when_is_known_of_old_conversations(owner: User) -> None:
    try:
        before = migrated_to("0001_initial")
        rows = before.get_model("chat", "Conversation").objects
        talk, empty = (rows.create(owner_id=owner.pk, created_at=BEGUN) for _ in range(2))
        for moments in ({"queued_at": BEGUN, "ended_at": ENDED}, {"queued_at": BEGUN}):
            before.get_model("chat", "Response").objects.create(
                owner_id=owner.pk, conversation=talk, model="m", input=SAID, **moments
            )
    finally:
        migrated_to()
    assert Conversation.objects.get(pk=talk.pk).updated_at == ENDED
    assert Conversation.objects.get(pk=empty.pk).updated_at == BEGUN
    assert not Conversation.objects.filter(unread=True).exists()
    assert {row.asked for row in Response.objects.all()} == {"user\n\nuser"}
