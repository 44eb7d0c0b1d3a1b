"""Indexes for held and sent responses, built while the site runs."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

from chat.migrations._concurrently import Concurrently


def add(index: models.Index) -> Concurrently:
    return Concurrently(AddIndexConcurrently("response", index), migrations.AddIndex("response", index))


def remove(name: str) -> Concurrently:
    return Concurrently(RemoveIndexConcurrently("response", name), migrations.RemoveIndex("response", name))


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY runs in no transaction
    dependencies = [("tailrace", "0003_sent_responses")]

    operations = [
        add(models.Index(fields=["status", "sent_at"], name="response_by_sending")),
        add(models.Index(fields=["owner", "status"], name="response_by_owner")),
        remove("response_by_status"),
    ]
