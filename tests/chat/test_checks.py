"""The check of the database: it passes here, and fails where no row can be claimed."""

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connection

from chat.checks import CANNOT_CLAIM


def found() -> list[CheckMessage]:
    """Run the checks of `manage.py check --database default` and `migrate`."""
    return run_checks(databases=["default"])


def test_this_database_can_claim_rows(db: None) -> None:
    assert CANNOT_CLAIM not in found()


def test_an_sqlite_without_returning_is_an_error(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    assert CANNOT_CLAIM in found()


@pytest.mark.parametrize("vendor", ["mysql", "oracle"])
def test_a_database_that_returns_only_what_it_inserts_is_an_error(
    db: None, monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    monkeypatch.setattr(connection, "vendor", vendor)
    assert connection.features.can_return_columns_from_insert
    assert CANNOT_CLAIM in found()
