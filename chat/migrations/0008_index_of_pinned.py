"""The index of pinned conversations, built while the site runs."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from chat.migrations._concurrently import Concurrently

PINNED = models.Index(
    fields=["owner"], name="conversation_pinned", condition=models.Q(pinned_at__isnull=False)
)


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY runs in no transaction
    dependencies = [("tailrace", "0008_conversation_list")]

    operations = [
        Concurrently(
            AddIndexConcurrently("conversation", PINNED), migrations.AddIndex("conversation", PINNED)
        )
    ]
