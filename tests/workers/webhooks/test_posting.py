"""Posting to an address that the owner of a webhook chose."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from tests.harness import certificates
from tests.harness.receiver import Receiver, receiving
from tests.harness.waiting import deadline
from workers.webhooks.posting import Reply, post

LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A receiver that may be reached."""
    settings.TAILRACE_WEBHOOK_PRIVATE = LOOPBACK
    with receiving() as server:
        yield server


async def posted(url: str, **options: Any) -> Reply:
    return await post(url, b"{}", {"webhook-id": "evt_1"}, **options)


async def test_the_content_and_the_headers_arrive(receiver: Receiver) -> None:
    reply = await posted(receiver.url)
    assert (reply.accepted, str(reply)) == (True, "status 204")
    (request,) = receiver.requests
    assert (request.path, request.content) == ("/hook", b"{}")
    assert request.headers["webhook-id"] == "evt_1"
    assert request.headers["user-agent"].startswith("Tailrace/")
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [300, 302, 400, 404, 410, 500])
async def test_other_statuses_than_success_do_not_accept_it(receiver: Receiver, status: int) -> None:
    receiver.status = status
    reply = await posted(receiver.url)
    assert (reply, reply.accepted) == (Reply(status), False)


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with receiving() as other:
        receiver.status, receiver.location = 307, other.url
        assert (await posted(receiver.url)).status == 307
        assert other.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "2130706433"])  # noqa: S104
async def test_no_address_of_the_inside_is_connected_to(scheme: str, host: str) -> None:
    with receiving() as server:
        reply = await posted(f"{scheme}://{host}:{server.port}/")
        assert reply.status is None
        assert "not public" in reply.fault or "InvalidUrl" in reply.fault
        assert server.requests == []


async def test_an_address_is_checked_after_its_name_was_resolved(
    receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that has a public address when it is registered, and an inner one when it is used."""
    settings.TAILRACE_WEBHOOK_PRIVATE = []
    asked = []

    def resolve(host: str, port: int, *_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = f"http://rebound.example:{receiver.port}/hook"
    assert str(await posted(url)) == "its address is not public"
    settings.TAILRACE_WEBHOOK_PRIVATE = LOOPBACK
    assert (await posted(url)).accepted
    assert asked == ["rebound.example"] * 2  # once for each connection
    assert receiver.requests[0].headers["host"] == f"rebound.example:{receiver.port}"


async def test_a_name_with_several_addresses_is_reached_by_the_permitted_one(
    receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TAILRACE_WEBHOOK_PRIVATE = ["127.0.0.1/32"]
    places = ["127.0.0.2", "127.0.0.1"]

    def resolve(_: str, port: int, *__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port)) for place in places]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert (await posted(f"http://two.example:{receiver.port}/")).accepted


async def test_a_receiver_that_does_not_reply_is_left(receiver: Receiver) -> None:
    receiver.open.clear()
    assert await posted(receiver.url, secs=0.2) == Reply(None, "no reply within 0.2 s")


async def test_the_body_of_a_reply_is_not_read(receiver: Receiver) -> None:
    receiver.status, receiver.unsent = 200, 50_000_000
    assert (await posted(receiver.url)).accepted


async def test_a_stalled_name_server_does_not_hold_the_threads_of_the_loop(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stall(*_: Any) -> list[Any]:
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", stall)
    stalled = [asyncio.create_task(posted("https://stalled.example/", secs=0.5)) for _ in range(40)]
    try:
        async with asyncio.timeout(deadline()):
            await asyncio.gather(*(asyncio.to_thread(int) for _ in range(3)))  # the loop's threads are free
            assert {str(reply) for reply in await asyncio.gather(*stalled)} == {"no reply within 0.5 s"}
    finally:
        released.set()


async def test_faults_have_words_without_the_receivers_own(receiver: Receiver, tmp_path: Path) -> None:
    tls = certificates.server(certificates.make(tmp_path / "server.pem"))
    with receiving(tls) as secure:
        assert str(await posted(secure.url)) == "its certificate is not trusted"
    assert str(await posted("https://none.invalid/")) == "its name has no address"
    assert str(await posted("http://127.0.0.1:1/")) == "it cannot be reached"


async def test_a_trusted_receiver_is_reached_by_tls(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = certificates.make(tmp_path / "server.pem")
    trusting = ssl.create_default_context(cafile=authority)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    with receiving(certificates.server(authority)) as secure:
        assert (await posted(secure.url)).accepted
