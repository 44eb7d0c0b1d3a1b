"""DEBUG is not served to the network."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from project.management.commands import runserver
from project.server.server import BoundedServer


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that got as far as to serve."""
    names: list[str] = []

    def serve(server: Any, **_: Any) -> None:
        server.abort_start = False
        names.append("serve")

    monkeypatch.setattr(BoundedServer, "run", serve)
    monkeypatch.setattr(runserver.Command, "inner_run", lambda *_, **__: names.append("runserver"))
    return names


def begin(command: str, address: str) -> None:
    """Run `serve` or `runserver` at this address."""
    if command == "serve":
        call_command(command, bind=address)
    else:
        call_command(
            command, f"[{address}]:8000" if ":" in address else f"{address}:8000", use_reloader=False
        )


@pytest.mark.parametrize("command", ["serve", "runserver"])
@pytest.mark.parametrize("address", ["0.0.0.0", "0", "::", "192.0.2.1", "chat.example.org"])  # noqa: S104 - refused
def test_debug_refuses_an_address_of_the_network(
    started: list[str], settings: Any, command: str, address: str
) -> None:
    settings.DEBUG = True
    with pytest.raises(CommandError, match=r"DEBUG is on, and \S+ is no loopback address.*SECRET_KEY"):
        begin(command, address)
    assert started == []


@pytest.mark.parametrize("command", ["serve", "runserver"])
@pytest.mark.parametrize(
    ("debug", "address"),
    [(True, "127.0.0.1"), (True, "::1"), (True, "localhost"), (False, "0.0.0.0")],  # noqa: S104 - a deployment's
)
def test_other_addresses_are_served(
    started: list[str], settings: Any, command: str, debug: bool, address: str
) -> None:
    settings.DEBUG = debug
    begin(command, address)
    assert started == [command]


def test_a_unix_socket_is_served(started: list[str], settings: Any) -> None:
    settings.DEBUG = True
    call_command("serve", unix_socket="/run/tailrace.sock", bind="0.0.0.0")  # noqa: S104 - not used
    assert started == ["serve"]
