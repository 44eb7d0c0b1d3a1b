"""Proxies: of what a client sends, nothing is believed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.server.proxies import Proxies, client_address

PEER = ["10.0.0.1", 4321]


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


async def seen(count: int, kind: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """The scope that the application gets."""
    scopes: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scopes.append(scope)

    scope = {"type": kind, "client": PEER, "scheme": "http", "headers": list(headers)}
    await Proxies(application, count)(scope, None, None)  # type: ignore[arg-type]  # neither is used
    return scopes[0]


@pytest.mark.parametrize(
    ("values", "count", "address"),
    [
        (["6.6.6.6, 7.7.7.7"], 1, "7.7.7.7"),
        (["6.6.6.6, 7.7.7.7"], 2, "6.6.6.6"),
        (["6.6.6.6, 7.7.7.7"], 3, None),
        (["6.6.6.6", "7.7.7.7"], 1, "7.7.7.7"),
        (["6.6.6.6", "7.7.7.7"], 2, "6.6.6.6"),
        (["7.7.7.7:5555"], 1, "7.7.7.7"),
        (["[2001:DB8::1]:5555"], 1, "2001:db8::1"),
        (["2001:db8::1"], 1, "2001:db8::1"),
        (["fe80::1%eth0"], 1, "fe80::1"),
        (["6.6.6.6, \x1b[31m"], 1, None),
        (['1.1.1.1 - - [28/Nov/2026] "GET /admin/ 200'], 1, None),
        (["unknown"], 1, None),
        ([""], 1, None),
        (["6.6.6.6,"], 1, None),
        ([], 1, None),
        (["07.7.7.7"], 1, None),
    ],
)
def test_the_address_is_that_which_the_outermost_proxy_saw(
    values: list[str], count: int, address: str | None
) -> None:
    assert client_address(forwarded(*values), count) == address


@given(st.lists(st.text(st.characters(max_codepoint=255))), st.integers(1, 3))
def test_no_forged_entry_moves_the_address(forged: list[str], count: int) -> None:
    ours = [f"192.0.2.{number}" for number in range(count)]
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forged]
    assert client_address([*headers, *forwarded(", ".join(ours))], count) == "192.0.2.0"


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_without_proxies_both_headers_are_ignored(kind: str) -> None:
    scope = await seen(0, kind, *forwarded("6.6.6.6"), (b"x-forwarded-proto", b"https"))
    assert (scope["client"], scope["scheme"]) == (PEER, "http")


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
async def test_with_a_proxy_its_entries_count(kind: str, scheme: str) -> None:
    scope = await seen(1, kind, *forwarded("6.6.6.6, 7.7.7.7"), (b"X-Forwarded-Proto", b"https"))
    assert (scope["client"], scope["scheme"]) == (["7.7.7.7", 0], scheme)


async def test_a_client_cannot_pretend_to_be_secure() -> None:
    scope = await seen(1, "http", (b"x-forwarded-proto", b"https, http"))
    assert scope["scheme"] == "http"


async def test_an_inner_proxy_may_pass_on_the_scheme() -> None:
    scope = await seen(2, "http", (b"x-forwarded-proto", b"https"))
    assert scope["scheme"] == "https"


async def test_without_a_usable_entry_the_client_is_the_peer() -> None:
    assert (await seen(1, "http", *forwarded("unknown")))["client"] == PEER
