"""The database row of a person's preferences."""

from django.conf import settings
from django.db import models

from chat.protocol.events import JSON


class Preferences(models.Model):
    """The settings of one person's new conversations, as `PreferencesChange` validates them."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    values = models.JSONField(default=dict, help_text="Fields of response.create; absent: the model's own")

    def __str__(self) -> str:
        return f"preferences of {self.owner_id}"


def preferences_of(owner_id: int | None) -> JSON:
    """A person's preferences; empty without any. One query."""
    found = Preferences.objects.filter(owner_id=owner_id).values_list("values", flat=True).first()
    return found or {}
