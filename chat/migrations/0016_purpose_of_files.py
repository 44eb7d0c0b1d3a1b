from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tailrace', '0015_index_of_unstored'),
    ]

    operations = [
        migrations.AddField(
            model_name='file',
            name='purpose',
            field=models.CharField(blank=True, db_default='', default='', help_text="A program's word: it is kept until it is deleted; empty: a page's, kept while it is used", max_length=20),
        ),
    ]
