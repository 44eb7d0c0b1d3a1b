"""`manage.py runserver`: Daphne's, with the limits of `serve`."""

from typing import Any

from daphne.management.commands.runserver import Command as DaphneCommand
from django.conf import settings
from django.core.management.base import CommandError

from project.access import exposed
from project.server.server import BoundedServer


class Command(DaphneCommand):
    """Serve during development."""

    server_cls = BoundedServer

    def run(self, **options: Any) -> None:
        """Serve until stopped; with DEBUG on a loopback address only."""
        if refusal := exposed(self.addr, debug=settings.DEBUG):
            raise CommandError(refusal)
        super().run(**options)
