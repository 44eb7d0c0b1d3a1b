"""A change of a password ends what is open under the old one, wherever it is changed: admin, form, shell.

arrow in: Django, which tells each of its password validators of a change (AUTH_PASSWORD_VALIDATORS)
arrow out: `hints`, for the user's sockets
"""

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import transaction

from chat.hints import tell_owner_to_look


class EndsSockets:
    """A validator that takes every password, for the sake of `password_changed`."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Take it."""

    def get_help_text(self) -> str:
        """What the forms say of it."""
        return "A change signs you out wherever you are signed in."

    def password_changed(self, password: str, user: User) -> None:
        """Let the user's sockets look at their sessions, once the change can be seen."""
        transaction.on_commit(lambda: async_to_sync(tell_owner_to_look)(user.pk))
