"""An owner may have files of the same content: an account that took a guest's."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tailrace", "0010_shares")]

    operations = [migrations.RemoveConstraint("file", "one_file_per_content")]
