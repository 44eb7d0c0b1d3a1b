"""What Django looks at before it migrates: whether the database can do what the rows need."""

from collections.abc import Collection
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connections

# their UPDATE gives back what it changed; MariaDB can do that with an INSERT alone, Oracle in another way
CLAIMING = {"postgresql", "sqlite"}

CANNOT_CLAIM = Error(
    "The database cannot give a worker the row that it claims (UPDATE … RETURNING).",
    hint="Name a PostgreSQL server in DATABASE_URL, or use SQLite 3.35 or later.",
    id="chat.E001",
)


def watch() -> None:
    """Have `manage.py check` and `migrate` look at the database from now on."""
    register(can_claim, Tags.database)


def can_claim(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Whether `ResponseQuerySet.claim` will work: better said now than by the first worker."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    database = connections[DEFAULT_DB_ALIAS]
    # an SQLite that can do it with an INSERT can do it with an UPDATE
    able = database.vendor in CLAIMING and database.features.can_return_columns_from_insert
    return [] if able else [CANNOT_CLAIM]
