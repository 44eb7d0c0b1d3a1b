"""The lists of models of real servers, read for the doctor."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chat.responses.model_catalog import ModelConfig
from project.up import ports
from tests.harness.model_server import Service, serving
from tests.workers.targets import KEY_ENV
from workers.providers.probe import Listing, listed


def listing_of(reply: Any, **fields: Any) -> Listing:
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    with serving(Service(models=body, key="right")) as service:
        return listed(ModelConfig("m", service.base_url, key_env=KEY_ENV, **fields))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, "right")


@pytest.mark.parametrize("field", ["max_model_len", "context_length", "max_context_length", "context_window"])
@pytest.mark.parametrize("is_bare", [True, False])
def test_names_and_contexts_are_read(field: str, is_bare: bool) -> None:
    rows = [{"id": "text-embedding-3", field: None}, {"id": "b", field: 8192}]
    listing = listing_of(rows if is_bare else {"object": "list", "data": rows})
    assert (listing.status, listing.is_api, listing.names) == (200, True, ("text-embedding-3", "b"))
    assert (listing.first, listing.context("b"), listing.context("text-embedding-3")) == ("b", 8192, None)


@pytest.mark.parametrize(
    ("reply", "is_api"),
    [
        (b"<html>", False),
        (b"", False),
        (b"\xff", False),
        (b"[" * 100_000, False),
        (b"5", False),
        ({"data": 5}, True),
        ({"data": [1, None, {"name": "n"}, {"id": 7}]}, True),
    ],
)
def test_nonsense_lists_nothing(reply: Any, is_api: bool) -> None:
    listing = listing_of(reply)
    assert (listing.status, listing.is_api, listing.names) == (200, is_api, ())


def test_a_refusal_has_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, "wrong")
    assert replace(listing_of([]), first="") == Listing(401, is_api=True)


def test_no_server_and_an_unusable_key_are_no_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = ModelConfig("m", f"http://{ports.HOST}:{ports.pick_free()}/v1", key_env=KEY_ENV)
    assert listed(nowhere) == Listing()
    monkeypatch.setenv(KEY_ENV, "a\nb")
    assert listing_of([]) == Listing()


def test_query_and_headers_of_the_catalog_are_sent() -> None:
    with serving(Service()) as service:
        listed(ModelConfig("m", service.base_url, query={"a": "1"}, headers={"X-Team": "t"}))
        [(path, headers, _)] = service.requests
    assert (path, headers["X-Team"]) == ("/v1/models?a=1", "t")
