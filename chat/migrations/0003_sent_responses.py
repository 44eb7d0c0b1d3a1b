"""The time at which a response was sent to the workers; null: it is held."""

import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tailrace", "0002_omitted_turns")]

    operations = [
        migrations.AddField(
            model_name="response",
            name="sent_at",
            field=models.DateTimeField(
                blank=True,
                db_default=django.db.models.functions.datetime.Now(),
                default=django.utils.timezone.now,
                editable=False,
                null=True,
            ),
        ),
    ]
