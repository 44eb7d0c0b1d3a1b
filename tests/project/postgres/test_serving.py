"""The connection settings of web and worker processes."""

from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from project.postgres import serving

PLAIN: dict[str, Any] = {"ENGINE": serving.ENGINE, "NAME": "tailrace", "OPTIONS": {"connect_timeout": 3}}


def test_a_serving_process_pools_its_connections_and_bounds_its_statements() -> None:
    database = serving.configured(PLAIN, "worker", 16)
    pool = database["OPTIONS"].pop("pool")
    assert (pool["min_size"], pool["max_size"], pool["timeout"]) == (2, 16, 3)
    assert database == PLAIN | {
        "OPTIONS": {
            "connect_timeout": 3,
            "fallback_application_name": "tailrace-worker",
            "options": "-c statement_timeout=5000 -c idle_in_transaction_session_timeout=10000",
        },
    }


def test_options_of_the_url_go_before_ours() -> None:
    given = {"options": "-c statement_timeout=60000", "application_name": "mine", "connect_timeout": 9}
    options = serving.configured(PLAIN | {"OPTIONS": given}, "web", 16)["OPTIONS"]
    assert options["options"].endswith("=10000 -c statement_timeout=60000")  # the last one holds
    assert (options["application_name"], options["connect_timeout"]) == ("mine", 9)


def test_a_pool_of_one_has_one_connection() -> None:
    pool = serving.configured(PLAIN, "web", 1)["OPTIONS"]["pool"]
    assert (pool["min_size"], pool["max_size"]) == (1, 1)


def test_behind_pgbouncer_nothing_depends_on_the_session() -> None:
    database = serving.configured(PLAIN, "web", 0)
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert {"pool", "options"}.isdisjoint(database["OPTIONS"])


def test_persistent_connections_of_ones_own_are_not_pooled() -> None:
    assert "pool" not in serving.configured(PLAIN | {"CONN_MAX_AGE": 60}, "web", 16)["OPTIONS"]


def test_another_database_stays_as_it_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"default": {"ENGINE": "project.sqlite", "OPTIONS": {}}}
    monkeypatch.setattr(connections, "_settings", other)
    monkeypatch.setattr(connections, "settings", other)
    serving.serve("web")
    assert other == {"default": {"ENGINE": "project.sqlite", "OPTIONS": {}}}
