"""`manage.py runserver`: Daphne's, with the limits of `serve`."""

from daphne.management.commands.runserver import Command as DaphneCommand

from project.server.server import BoundedServer


class Command(DaphneCommand):
    """Serve during development."""

    server_cls = BoundedServer
