"""Addresses of the API: keys, methods, bodies, and each error in OpenAI's form."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from pytest_django import Settings

from chat.accounts.api_keys import revoke_key
from chat.api import catalogue, endpoint
from chat.api.exchange import Exchange
from chat.key_models import ApiKey
from chat.responses.model_catalog import DEMO
from tests.chat.api.client import Program, Request
from tests.chat.rows import on_rows

pytestmark = pytest.mark.django_db(transaction=True)

NO_KEY = (401, "invalid_api_key", None)


async def test_the_catalog_is_listed_and_each_model_retrieved(program: Program) -> None:
    found = (await program.ask("GET", "models")).json()
    assert (found["object"], [model["id"] for model in found["data"]][-1]) == ("list", DEMO)
    model = (await program.ask("GET", f"models/{DEMO}")).json()
    assert model == {"id": DEMO, "object": "model", "created": 0, "owned_by": "tailrace"}
    assert (await program.ask("GET", "models/a/b:c")).error == (404, "model_not_found", "model")


async def test_only_a_usable_key_gives_access(program: Program, owner: User) -> None:
    async def ask(**headers: str) -> Any:
        request = Request("GET", "/v1/models", b"", headers)
        await request.send()
        return await request.reply()

    wrong: list[dict[str, str]] = [
        {"authorization": f"Bearer {program.key}x"},
        {"authorization": "Basic YTpi"},
    ]
    for headers in [{}, *wrong]:
        reply = await ask(**headers)
        assert reply.error == NO_KEY
        assert reply.headers["www-authenticate"] == "Bearer"
    assert (await ask(authorization=f"bearer {program.key}")).status == 200
    await on_rows(revoke_key, await on_rows(ApiKey.objects.get))
    assert (await ask(authorization=f"Bearer {program.key}")).error == NO_KEY


async def test_the_servers_copy_of_a_body_is_dropped_when_it_is_parsed() -> None:
    dropped: list[str] = []
    scope = {"method": "POST", "url_route": {"kwargs": {}}, "headers": [], "query_string": b""}
    messages = iter([{"type": "http.request", "body": b"{}"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        """Nothing is sent."""

    exchange = Exchange(scope | {"release": lambda: dropped.append("body")}, receive, send)
    await exchange.read(2)
    assert not dropped
    assert exchange.json() == {}
    assert dropped == ["body"]


async def test_every_other_address_is_unknown(program: Program) -> None:
    for path in ("", "nothing", "models/", "Models", "responses/compact/", "../admin/"):
        assert (await program.ask("GET", path)).error == (404, "unknown_url", None)


@pytest.mark.parametrize("name", ["compact", "input_tokens"])
async def test_operations_without_a_response_are_unknown(program: Program, name: str) -> None:
    assert (await program.ask("POST", f"responses/{name}", {"model": "m"})).error[:2] == (404, "unknown_url")


async def test_another_method_is_refused_with_those_that_are_allowed(program: Program) -> None:
    for method in ("POST", "DELETE", "PATCH", "HEAD", "PUT"):
        reply = await program.ask(method, "models")
        assert reply.error == (405, "method_not_allowed", None)
        assert reply.headers["allow"] == "GET, OPTIONS"


async def test_every_reply_has_its_own_id(program: Program) -> None:
    replies = [await program.ask("GET", path) for path in ("models", "models", "nothing")]
    ids = {reply.headers["x-request-id"] for reply in replies}
    assert len(ids) == 3
    assert all(request_id.startswith("req_") for request_id in ids)
    assert {reply.headers["cache-control"] for reply in replies} == {"no-store"}


async def test_a_body_beyond_the_limit_is_refused_while_it_is_read(
    program: Program, settings: Settings
) -> None:
    settings.TAILRACE_API_BODY_BYTES = 10
    request = program.request("GET", "models")
    for _ in range(3):
        await request.send_input({"type": "http.request", "body": b"12345", "more_body": True})
    reply = await request.reply()
    assert reply.error == (413, "request_too_large", None)
    assert reply.headers["connection"] == "close"


async def test_a_client_that_leaves_within_its_request_gets_nothing(program: Program) -> None:
    request = program.request("GET", "models")
    await request.send_input({"type": "http.request", "body": b"1", "more_body": True})
    await request.leave()
    assert await request.receive_nothing()


async def test_without_the_database_a_program_is_asked_to_come_again(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(text: str) -> None:
        raise OperationalError

    monkeypatch.setattr(endpoint, "find_key", unavailable)
    reply = await program.ask("GET", "models")
    assert reply.error == (503, "busy", None)
    assert reply.headers["retry-after"] == "1"


async def test_an_error_of_ours_is_logged_with_the_id_of_the_request(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        message = "a secret"
        raise ValueError(message)

    monkeypatch.setattr(catalogue, "catalog", fail)
    with caplog.at_level(logging.ERROR, "chat.api.endpoint"):
        reply = await program.ask("GET", "models")
    assert reply.error == (500, "internal_error", None)
    assert b"secret" not in reply.body
    assert [record.message for record in caplog.records] == [f"{reply.headers['x-request-id']} failed"]


async def test_pages_of_listed_origins_alone_may_read_replies(program: Program, settings: Settings) -> None:
    listed, other = "https://app.example.org", "https://other.example.org"
    settings.TAILRACE_API_ORIGINS = [listed]
    asked = {
        "access_control_request_method": "POST",
        "access_control_request_headers": "authorization,content-type,idempotency-key,x-stainless-os,cookie",
    }
    reply = await program.ask("OPTIONS", "models", origin=listed, **asked)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, listed)
    names = reply.headers["access-control-allow-headers"]
    assert names == "authorization, content-type, idempotency-key, x-stainless-os"
    assert (
        "x-request-id"
        in (await program.ask("GET", "models", origin=listed)).headers["access-control-expose-headers"]
    )
    assert "access-control-allow-origin" in (await program.ask("GET", "nothing", origin=listed)).headers
    for method in ("OPTIONS", "GET"):
        reply = await program.ask(method, "models", origin=other, **asked)
        assert not any(name.startswith("access-control") for name in reply.headers)
        assert reply.headers["vary"] == "origin"
