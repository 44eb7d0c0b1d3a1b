"""Find the user that a command names."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import CommandError


def active_user(name: str) -> User:
    """The user with this name. Raises CommandError without one, and for one that is deactivated."""
    users = get_user_model().objects
    try:
        user = users.get_by_natural_key(name)
    except users.model.DoesNotExist:
        message = f"There is no user {name}: create one in the admin, or with `manage.py createsuperuser`."
        raise CommandError(message) from None
    if not user.is_active:
        message = f"{name} is deactivated, without access: activate the user in the admin first."
        raise CommandError(message)
    return user
