"""`manage.py tidy`: delete old rows."""

import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from chat.retention.tidying import old, pause_secs, tidy


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
        """Declare the option."""
        parser.add_argument("--dry-run", action="store_true", help="only count the rows")

    def handle(self, **options: Any) -> None:
        """Count, or delete."""
        now = timezone.now()
        if options["dry_run"]:
            self._say("to delete", old(now))
            return
        rows: Counter[str] = Counter()
        try:
            self._delete(now, rows)
        except KeyboardInterrupt:
            self._say("interrupted; deleted", rows)
            raise SystemExit(130) from None
        self._say("deleted", rows)

    def _delete(self, now: Any, rows: Counter[str]) -> None:
        begun = time.monotonic()
        for batch in tidy(now):
            rows[batch.kind] += batch.rows
            if batch.rows:
                self.stdout.write(f"{rows[batch.kind]:,} {batch.kind}")
            time.sleep(pause_secs(time.monotonic() - begun))
            begun = time.monotonic()

    def _say(self, what: str, rows: dict[str, int]) -> None:
        found = ", ".join(f"{count:,} {kind}" for kind, count in rows.items() if count)
        self.stdout.write(f"{what}: {found or 'nothing'}")
