"""Store conversations that were deleted long ago: `python -m bench.old_rows 100000`."""

import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.utils import timezone  # noqa: E402

from chat.models import Conversation, Response, Status  # noqa: E402

TURNS = 10
TEXT = "an old answer " * 150  # 2 KB
AT_ONCE = 100  # conversations


def store(rows: int) -> None:
    """Store so many responses, in conversations of TURNS."""
    owner = User.objects.create_user("old")
    long_ago = timezone.now() - timedelta(days=365)
    for _ in range(0, rows, AT_ONCE * TURNS):
        conversations = [
            Conversation(owner=owner, updated_at=long_ago, deleted_at=long_ago) for _ in range(AT_ONCE)
        ]
        Conversation.objects.bulk_create(conversations)
        Response.objects.bulk_create(turn for each in conversations for turn in turns(each))


def turns(conversation: Conversation) -> list[Response]:
    """Return a conversation's turns, each after the one before."""
    fields = {"owner_id": conversation.owner_id, "model": "old", "input": [], "output": TEXT}
    made: list[Response] = []
    for _ in range(TURNS):
        previous = made[-1] if made else None
        made.append(Response(conversation=conversation, previous=previous, status=Status.COMPLETED, **fields))
    return made


if __name__ == "__main__":
    store(int(sys.argv[1]))
