"""`manage.py tidy`: delete old rows."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from chat.retention.tidying import Batch, old, pause_secs, tidy


class Command(BaseCommand):
    """Shows its progress."""

    help = (
        "Delete old rows: expired sessions; guests without activity for TAILRACE_GUEST_DAYS (30), with all "
        "their rows; conversations deleted TAILRACE_DELETED_DAYS (30) ago; conversations without activity "
        "for TAILRACE_KEEP_DAYS (0: none); files to which no response refers. A conversation with a running "
        "answer stays. It runs beside a busy deployment: 1,000 rows at a time, then a pause. It may be "
        "interrupted; the next run continues. A worker does the same every hour, unless TAILRACE_TIDY=0."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="only count the rows")
        parser.add_argument(
            "--deleted", action="store_true", help="delete deleted conversations now, not after their days"
        )

    def handle(self, **options: Any) -> None:
        """Count, or delete."""
        now = timezone.now()
        if options["dry_run"]:
            self._say("to delete", old(now, deleted_at_once=options["deleted"]))
            return
        rows: Counter[str] = Counter()
        try:
            self._delete(tidy(now, deleted_at_once=options["deleted"]), rows)
        except KeyboardInterrupt:
            self._say("interrupted; deleted", rows)
            raise SystemExit(130) from None
        self._say("deleted", rows)

    def _delete(self, batches: Iterator[Batch], rows: Counter[str]) -> None:
        begun = time.monotonic()
        for batch in batches:
            rows[batch.kind] += batch.rows
            if batch.rows:
                self.stdout.write(f"{rows[batch.kind]:,} {batch.kind}")
            time.sleep(pause_secs(time.monotonic() - begun))
            begun = time.monotonic()

    def _say(self, what: str, rows: dict[str, int]) -> None:
        found = ", ".join(f"{count:,} {kind}" for kind, count in rows.items() if count)
        self.stdout.write(f"{what}: {found or 'nothing'}")
