"""A model server that behaves as a kind of server does: paths, keys, refusals, lists; in a thread.

`tests.harness.upstream` plays the faults of streams; this one plays what configurations run into.
"""

import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from project.up.ports import HOST

PAGE = b"<!doctype html><title>Not here</title>"


@dataclass
class Service:
    """How the server behaves. Fields that it refuses get a 400 that names them."""

    path: str = "/v1"
    models: list[dict[str, Any]] | bytes = field(default_factory=lambda: [{"id": "m"}])  # bytes: the reply
    lists: bool = True
    redirect: str = ""  # the root of another server
    key: str = ""
    key_header: str = "Authorization"
    query: dict[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    takes_images: bool = True
    broken: tuple[str, ...] = ()  # fields, or "images", whose requests get a 500
    status: int = 200
    code: str = "refused"
    usage: bool = True
    # one word: its pieces may arrive late and together, and are still no answer in one piece
    deltas: tuple[dict[str, Any], ...] = tuple({"content": text} for text in ("1,", "2,", "3"))
    finish: str = "stop"

    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The models, without a reply that is no list."""
        return [] if isinstance(self.models, bytes) else self.models

    @property
    def root(self) -> str:
        """The address without a path."""
        return f"{self.scheme}://{HOST}:{self.port}"

    @property
    def base_url(self) -> str:
        """The right base URL."""
        return self.root + self.path


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, service: Service, tls: ssl.SSLContext | None) -> None:
        super().__init__((HOST, service.port), _Exchange)
        self.service, self.tls = service, tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Speak TLS in the thread: a handshake that fails must not block the others."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnects, or speaks no TLS, is a test's intention."""


@contextmanager
def serving(service: Service, certificate: Path | None = None) -> Iterator[Service]:
    """Run it; `certificate`: a PEM file with its key, for https."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        service.scheme = "https"
    with _Server(service, tls) as server:
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for the client to confirm the headers
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: dict[str, Any]) -> None:
        service, url = self.server.service, urlsplit(self.path)
        service.requests.append((self.path, dict(self.headers), body))
        known: dict[str, Callable[[dict[str, Any]], None]] = {}
        known[f"{service.path}/chat/completions"] = self._complete
        if service.lists:
            known[f"{service.path}/models"] = self._list
        if service.redirect:
            self._redirect(service.redirect + self.path)
        elif url.path not in known:
            self._send(404, PAGE, "text/html")
        elif service.key and self.headers.get(service.key_header, "").removeprefix("Bearer ") != service.key:
            self._refuse(401, "invalid_api_key")
        elif not service.query.items() <= dict(parse_qsl(url.query)).items():
            self._refuse(404, "not_found")
        else:
            known[url.path](body)

    def _list(self, _: dict[str, Any]) -> None:
        models = self.server.service.models
        listed = {"object": "list", "data": models}
        self._send(200, models if isinstance(models, bytes) else json.dumps(listed).encode())

    def _complete(self, body: dict[str, Any]) -> None:
        service = self.server.service
        has_images = isinstance(body["messages"][-1]["content"], list)
        wrong = next((name for name in service.refused if name in body), "")
        if service.status != 200:
            self._refuse(service.status, service.code)
        elif body["model"] not in [model["id"] for model in service.rows]:
            self._refuse(404, "model_not_found")
        elif set(service.broken) & {*body, *(["images"] if has_images else [])}:
            self._refuse(500, "server_error")
        elif wrong:
            self._refuse(400, "unsupported_parameter", wrong)
        elif not service.takes_images and has_images:
            self._refuse(400, "image_input_not_supported")
        else:
            self._stream()

    def _refuse(self, status: int, code: str, param: str | None = None) -> None:
        text = f"Unsupported parameter: '{param}'." if param else code
        error = {"message": text, "type": "invalid_request_error", "code": code, "param": param}
        self._send(status, json.dumps({"error": error}).encode())

    def _redirect(self, target: str) -> None:
        self.send_response(308)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        service = self.server.service
        choices: list[dict[str, Any]] = [{"index": 0, "delta": delta} for delta in service.deltas]
        choices.append({"index": 0, "delta": {}, "finish_reason": service.finish})
        events: list[Any] = [{"choices": [choice]} for choice in choices]
        if service.usage:
            usage = {"prompt_tokens": 7, "completion_tokens": 6, "total_tokens": 13}
            events.append({"choices": [], "usage": usage})
        pieces = [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]
        self._send(200, b"".join(pieces), "text/event-stream")
