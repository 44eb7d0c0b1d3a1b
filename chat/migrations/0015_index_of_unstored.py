"""Indexes that keep programs' responses apart, built while the site runs."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from chat.migrations._concurrently import Concurrently

UNSTORED = models.Index(fields=["ended_at"], name="response_unstored", condition=models.Q(stored=False))
LISTED = models.Index(fields=["owner", "-id"], name="response_listed", condition=models.Q(listed=True))


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY runs in no transaction
    dependencies = [("tailrace", "0014_webhooks")]

    operations = [
        Concurrently(AddIndexConcurrently("response", index), migrations.AddIndex("response", index))
        for index in (UNSTORED, LISTED)
    ]
