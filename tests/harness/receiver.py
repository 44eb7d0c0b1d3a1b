"""A server that webhooks post to, in a thread of the test."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from project.up.ports import HOST


@dataclass(frozen=True)
class Request:
    """A request. The names of `headers` are in lower case."""

    path: str
    headers: dict[str, str]
    content: bytes


@dataclass
class Receiver:
    """Replies with `status`, or with those of `first` before; not before `open` is set."""

    port: int = 0
    scheme: str = "http"
    status: int = 204
    first: list[int] = field(default_factory=list)
    location: str = ""
    unsent: int = 0  # bytes of the reply that it announces
    requests: list[Request] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://{HOST}:{self.port}/hook"


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver(scheme="https" if tls else "http")
    receiver.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.first.pop(0) if receiver.first else receiver.status
            receiver.requests.append(Request(self.path, headers, content))
            receiver.open.wait()
            self.send_response(status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", str(receiver.unsent))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """The client has left."""

    server = Server((HOST, 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.open.set()
        server.shutdown()
        server.server_close()
