import socket
from collections.abc import Iterator

import pytest

from project.up import ports
from project.up.errors import PortError


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((ports.HOST, ports.pick_free())) as server:
        yield server


def test_a_taken_port_is_named_with_the_option_that_changes_it(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(PortError, match=rf"^Port {port} is taken: choose another with --port\.$"):
        ports.require_free(port, "--port")


def test_a_port_with_a_listener_on_all_addresses_is_taken() -> None:
    with socket.create_server(("", ports.pick_free())) as server, pytest.raises(PortError):
        ports.require_free(server.getsockname()[1], "--port")


def test_a_port_is_free_again_while_its_last_connection_times_out(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.create_connection((ports.HOST, port)) as client:
        served, _ = listener.accept()
        served.close()  # the side that closes first keeps the address for a while
        client.recv(1)
    listener.close()
    ports.require_free(port, "--port")


def test_a_picked_port_can_be_listened_on_and_is_not_one_for_outgoing_connections() -> None:
    port = ports.pick_free()
    with socket.create_server((ports.HOST, port)):
        assert ports.FIRST_PORT <= port < ports.LAST_PORT


def test_an_excluded_port_is_not_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    port = ports.pick_free()
    monkeypatch.setattr(ports, "FIRST_PORT", port)
    monkeypatch.setattr(ports, "LAST_PORT", port + 1)
    assert ports.pick_free() == port
    with pytest.raises(PortError, match="is free"):
        ports.pick_free(excluded=frozenset({port}))


def test_a_port_of_the_system_is_an_error_that_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(port: int) -> None:
        raise PermissionError

    monkeypatch.setattr(ports, "_bind", denied)
    with pytest.raises(PortError, match=r"^Port 80 needs more rights .* choose another with --port\.$"):
        ports.require_free(80, "--port")
