"""The index of responses that are not stored, built while the site runs."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from chat.migrations._concurrently import Concurrently

UNSTORED = models.Index(fields=["ended_at"], name="response_unstored", condition=models.Q(stored=False))


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY runs in no transaction
    dependencies = [("tailrace", "0014_webhooks")]

    operations = [
        Concurrently(AddIndexConcurrently("response", UNSTORED), migrations.AddIndex("response", UNSTORED))
    ]
