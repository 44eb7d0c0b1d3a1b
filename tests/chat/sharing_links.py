"""Links of conversations for tests."""

from django.contrib.auth.models import User

from chat.models import Response
from chat.share_models import Share
from chat.sharing.links import create


def shared(owner: User, row: Response) -> Share:
    """The link of a response's conversation."""
    return create(owner.pk, row.conversation_id)
