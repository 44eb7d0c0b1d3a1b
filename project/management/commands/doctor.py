"""`manage.py doctor`: check whether this deployment is set up well."""

import os
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandParser

from project.doctor import examination, report
from project.doctor.finding import State, counts
from project.up.console import is_colourful


class Command(BaseCommand):
    """Shows the findings of the examination."""

    help = (
        "Check this deployment: settings, models, Redis, the database, the workers, their queues. Each line "
        "says what was checked, what was found and, if necessary, what to do. The exit code is 1 if any line "
        "is an error. Nothing is changed, and no model is asked."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="show the same as JSON, for machines")

    def handle(self, **options: Any) -> None:
        """Examine, report, and end with exit code 1 on an error."""
        findings = examination.findings(examination.parts())
        stream = cast(TextIO, self.stdout)
        colour = is_colourful(stream, os.environ) and not options["no_color"]
        self.stdout.write(
            report.machine_text(findings) if options["json"] else report.text(findings, colour=colour)
        )
        if counts(findings)[State.ERROR]:
            raise SystemExit(1)
