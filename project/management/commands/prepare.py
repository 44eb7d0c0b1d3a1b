"""`manage.py prepare`: a step of `manage.py up`."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from chat.conf import conf
from project.up import guest_key


class Command(BaseCommand):
    """One process for both: each costs a second to start."""

    help = "Apply the migrations, and keep an API key for the guest of `manage.py up`, which runs this."

    def handle(self, **options: Any) -> None:
        """Migrate; then make the key, where guests have keys."""
        call_command("migrate", interactive=False, stdout=self.stdout, stderr=self.stderr)
        if conf.GUESTS and conf.GUEST_KEYS:
            guest_key.keep(settings.TAILRACE_DATA_DIR)
