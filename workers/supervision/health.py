"""A worker's `/healthz` on TAILRACE_HEALTH_PORT: 200 while its event loop runs, whatever Redis does."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REQUEST_SECS = 5  # a slower client is closed


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = REQUEST_SECS
    server: "HealthServer"

    def do_GET(self) -> None:
        """Send 200, 503, or 404 for any other path."""
        if self.path != "/healthz":
            status = HTTPStatus.NOT_FOUND
        else:
            status = HTTPStatus.OK if self.server.is_alive() else HTTPStatus.SERVICE_UNAVAILABLE
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing: a check comes every few seconds."""


class HealthServer(ThreadingHTTPServer):
    """Serves in threads that end with the process."""

    daemon_threads = True

    def __init__(self, port: int, is_alive: Callable[[], bool]) -> None:
        super().__init__(("", port), Handler)
        self.is_alive = is_alive


def serve(port: int, is_alive: Callable[[], bool]) -> HealthServer:
    """Start the server; raises SystemExit with the remedy if the port is taken."""
    try:
        server = HealthServer(port, is_alive)
    except OSError as error:
        remedy = "Choose a free port for each worker, or 0 for none."
        message = f"TAILRACE_HEALTH_PORT={port}: {error.strerror}. {remedy}"
        raise SystemExit(message) from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
