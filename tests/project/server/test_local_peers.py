"""With DEBUG a peer of the network is refused, behind whatever header."""

import subprocess
import sys
from typing import Any

import pytest

from project.server.local_peers import LocalPeers
from tests.harness.processes import ROOT


@pytest.mark.parametrize(
    ("client", "served"),
    [
        (["127.0.0.1", 1], True),
        (["::1", 1], True),
        (["::ffff:127.0.0.1", 1], True),
        (None, True),  # a Unix socket
        (["10.0.0.7", 1], False),
        (["::ffff:10.0.0.7", 1], False),
        (["fe80::1%eth0", 1], False),
        (["192.0.2.1", 1], False),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_only_this_machine_is_served(client: Any, served: bool, kind: str) -> None:
    sent: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    async def application(*_: Any) -> None:
        sent.append({"type": "served"})

    headers = [(b"x-forwarded-for", b"127.0.0.1")]
    scope = {"type": kind, "client": client, "headers": headers}
    await LocalPeers(application)(scope, None, send)  # type: ignore[arg-type]  # nothing is received
    refusal = {"http": "http.response.start", "websocket": "websocket.close"}[kind]
    assert sent[0]["type"] == ("served" if served else refusal)
    assert served or sent[0].get("status", 403) == 403


@pytest.mark.slow
@pytest.mark.parametrize(("debug", "outermost"), [("1", "LocalPeers"), ("0", "Proxies")])
def test_the_application_has_the_guard_with_debug_outside_of_proxies(debug: str, outermost: str) -> None:
    code = "from project.asgi import application as a; print(type(a._application).__name__)"
    env = {"DEBUG": debug, "SECRET_KEY": "vR3hVb9ZkQ0pXy7LmN2sTg5WdJ8cFa1eUiOoPqKz4BxYw6HnMl"}
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == outermost
