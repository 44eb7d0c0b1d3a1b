"""`manage.py migrate`: Django's; on PostgreSQL it waits LOCK_MS for a table's lock, and tries again."""

import time
from typing import Any

from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

# a waiting ALTER TABLE holds up every query that comes after it
LOCK_MS = 2_000
PAUSE_SECS = 3  # then those queries run
TRIES = 20


class Command(migrate.Command):
    """Apply migrations, without holding up a running deployment."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; after a lock timeout again: applied migrations stay."""
        connection = connections[options["database"]]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = {LOCK_MS}")
        for left in reversed(range(TRIES)):
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if not left or not isinstance(error.__cause__, LockNotAvailable):
                    raise
                self.stderr.write(f"A table is locked: trying again in {PAUSE_SECS} s, {left} times at most.")
                time.sleep(PAUSE_SECS)
            else:
                return
