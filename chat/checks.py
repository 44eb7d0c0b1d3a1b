"""System checks: what the database can do, whether models can be read and programs loaded."""

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections

from chat.responses import model_programs
from chat.responses.model_catalog import catalog

# MariaDB has RETURNING for INSERT only, Oracle another syntax
CLAIMING = {"postgresql", "sqlite"}

DEPLOYMENT = "deployment"  # the tag of checks for `--deploy`

CANNOT_CLAIM = Error(
    "The database does not support UPDATE … RETURNING, by which workers claim responses.",
    hint="Use PostgreSQL (DATABASE_URL), or SQLite 3.35 or later.",
    id="chat.E001",
)
ONE_MACHINE = Warning(
    "SQLite is for one machine.",
    hint="Set DATABASE_URL to a PostgreSQL server before you use more than one machine.",
    id="chat.W001",
)


def watch() -> None:
    """Register for `manage.py check` and `migrate`."""
    register(can_claim, Tags.database)
    register(is_for_many, DEPLOYMENT, deploy=True)
    register(can_read_models, Tags.files)
    register(can_load_programs, Tags.files)


def can_claim(databases: Collection[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Whether `ResponseQuerySet.claim` will work."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    database = connections[DEFAULT_DB_ALIAS]
    # SQLite supports it for UPDATE if it does for INSERT
    able = database.vendor in CLAIMING and database.features.can_return_columns_from_insert
    return [] if able else [CANNOT_CLAIM]


def is_for_many(**_: Any) -> list[CheckMessage]:
    """Whether processes on several machines can share the database."""
    engine = settings.DATABASES[DEFAULT_DB_ALIAS]["ENGINE"]
    return [ONE_MACHINE] if "sqlite" in engine else []


def can_read_models(**_: Any) -> list[CheckMessage]:
    """Whether `catalog` will work."""
    try:
        catalog()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="docs/models.md has a line for each server.", id="chat.E002")]
    return []


def can_load_programs(**_: Any) -> list[CheckMessage]:
    """Whether workers can run the programs. Only a warning: other processes need not import them."""
    try:
        found = model_programs.faults(catalog().values())
    except ImproperlyConfigured:  # `can_read_models` reports it
        return []
    return [Warning(f"{fault}.", hint=fault.remedy, id="chat.W002") for fault in found]
