"""`manage.py serve`: the web server of a deployment."""

import sys
from argparse import ArgumentParser
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.management.commands.runserver import get_default_application
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from project.access import exposed
from project.server import limits
from project.server.server import BoundedServer


class Command(BaseCommand):
    """Serve the page and its sockets."""

    help = "Serve the page and its sockets: Daphne with limits on what clients send, and for how long."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add where to listen."""
        add = parser.add_argument
        add("-b", "--bind", default="127.0.0.1", help="address (%(default)s)")
        add("-p", "--port", type=int, default=8000, help="port (%(default)s)")
        add("--unix-socket", help="path of a Unix socket, in place of address and port")
        add("--fd", type=int, help="number of an open socket, of systemd for instance")
        add("--root-path", default="", help="path under which a proxy serves it")
        longest = limits.HANDSHAKE_SECS
        add(
            "--handshake-seconds", type=int, default=longest, help="longest WebSocket handshake (%(default)s)"
        )

    def handle(self, **options: Any) -> None:
        """Serve until SIGTERM."""
        server = BoundedServer(
            get_default_application(),
            endpoints=_endpoints(options),
            root_path=options["root_path"],
            websocket_connect_timeout=options["handshake_seconds"],
        )
        server.run()
        if server.abort_start:
            sys.exit(1)


def _endpoints(options: dict[str, Any]) -> list[str]:
    place = {"unix_socket": options["unix_socket"], "file_descriptor": options["fd"]}
    if not any(value is not None for value in place.values()):
        if refusal := exposed(options["bind"], debug=settings.DEBUG):
            raise CommandError(refusal)
        place = {"host": options["bind"], "port": options["port"]}
    endpoints: list[str] = build_endpoint_description_strings(**place)
    return endpoints
