"""TLS to Redis: broker, logs and groups refuse a server whose certificate they do not know."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from channels.layers import get_channel_layer
from kombu.exceptions import OperationalError
from pytest_django import Settings
from redis.exceptions import RedisError

from chat.transport import channel_layer, redis_client
from chat.transport.job_queue import waiting
from project.celery import app
from project.doctor import store
from project.doctor.finding import State
from project.redis_urls import redis_url, tls_options
from tests.conftest import _forget_connections
from tests.faults.proxy import Proxy
from tests.harness import certificates
from tests.harness.valkey import use

CLIENTS = ("broker", "log", "layer")
Point = Callable[[int, str], None]  # all clients at a port, with the options of the URL


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.make(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture(scope="module")
def of_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.make(tmp_path_factory.mktemp("tls") / "client.pem")


@pytest.fixture(scope="module")
def tls_port(valkey_url: str, certificate: Path) -> Iterator[int]:
    """The port of a Redis with TLS."""
    with Proxy.to(urlsplit(valkey_url).port or 0, certificates.server(certificate)) as proxy:
        yield proxy.port


@pytest.fixture(scope="module")
def port_for_known(valkey_url: str, certificate: Path, of_clients: Path) -> Iterator[int]:
    """The same, for clients with a certificate."""
    with Proxy.to(urlsplit(valkey_url).port or 0, certificates.server(certificate, of_clients)) as proxy:
        yield proxy.port


@pytest.fixture
async def point(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Point]:
    monkeypatch.setattr(channel_layer, "RETRIES", 0)  # the error at once

    def point_at(port: int, query: str) -> None:
        url = redis_url("REDIS_URL", f"rediss://127.0.0.1:{port}/0{query}")
        use(settings, url)
        app.conf.update(broker_url=url, broker_use_ssl=tls_options(url))
        _forget_connections()

    before = {name: app.conf[name] for name in ("broker_url", "broker_use_ssl")}
    yield point_at
    app.conf.update(before)
    await redis_client.close()
    _forget_connections()


async def _publish() -> None:
    layer = get_channel_layer()
    try:
        await layer.group_send("tls", {"type": "x"})
    finally:
        await layer.flush()


QUESTIONS: dict[str, Callable[[], Awaitable[Any]]] = {
    "broker": lambda: asyncio.to_thread(waiting, "tls"),
    "log": lambda: redis_client.client().get("tls"),
    "layer": _publish,
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_an_unknown_certificate_is_refused(client: str, tls_port: int, point: Point) -> None:
    point(tls_port, "")
    with pytest.raises((OperationalError, RedisError), match=r"(?i)certificate"):
        await QUESTIONS[client]()


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_known_authority_is_accepted(
    client: str, tls_port: int, point: Point, certificate: Path
) -> None:
    point(tls_port, f"?ssl_ca_certs={certificate}")
    await QUESTIONS[client]()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("word", ["none", "CERT_NONE"])
async def test_unverified_is_possible_if_the_url_says_so(
    client: str, word: str, tls_port: int, point: Point
) -> None:
    point(tls_port, f"?ssl_cert_reqs={word}")
    await QUESTIONS[client]()


@pytest.mark.parametrize("client", CLIENTS)
async def test_the_clients_show_their_own_certificate(
    client: str, port_for_known: int, point: Point, certificate: Path, of_clients: Path
) -> None:
    point(port_for_known, f"?ssl_ca_certs={certificate}&ssl_certfile={of_clients}&ssl_keyfile={of_clients}")
    await QUESTIONS[client]()
    point(port_for_known, f"?ssl_ca_certs={certificate}")
    await redis_client.close()
    with pytest.raises((OperationalError, RedisError)):
        await QUESTIONS[client]()


@pytest.mark.parametrize(
    ("query", "state"), [("?ssl_ca_certs={}", State.OK), ("?ssl_cert_reqs=CERT_NONE", State.WARNING)]
)
async def test_the_doctor_says_whether_the_certificate_is_verified(
    query: str, state: State, tls_port: int, point: Point, certificate: Path
) -> None:
    point(tls_port, query.format(certificate))
    found = {finding.what: finding for finding in await asyncio.to_thread(store.examine)}
    assert found["Redis TLS"].state is state
    assert ("not verified" in found["Redis TLS"].found) is (state is State.WARNING)
