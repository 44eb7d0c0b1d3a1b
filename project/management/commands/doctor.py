"""`manage.py doctor`: check a deployment."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from project.doctor import deployment, examination, report
from project.doctor.finding import State, counts
from project.up.console import is_colourful


class Command(BaseCommand):
    """Shows the findings."""

    help = (
        "Check a deployment: settings, models, Redis, database, workers, queues. If the environment or "
        "`.env` sets REDIS_URL, check that deployment; otherwise the running `manage.py up`. Each line has "
        "the check, its result and, if necessary, the remedy. The exit code is 1 if any line is an error. "
        "Nothing is changed, and no model is asked."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="show the same as JSON")
        parser.add_argument(
            "--data-dir",
            type=Path,
            help="check the `up` with this data directory, also if REDIS_URL is set",
        )

    def handle(self, **options: Any) -> None:
        """Examine, report; exit code 1 on an error."""
        env = deployment.environment(options["data_dir"], os.environ)
        if env is not None:  # settings are read once, at start
            raise SystemExit(_run_again(env, options))
        findings = examination.findings(examination.parts())
        stream = cast(TextIO, self.stdout)
        colour = is_colourful(stream, os.environ) and not options["no_color"]
        self.stdout.write(
            report.machine_text(findings) if options["json"] else report.text(findings, colour=colour)
        )
        if counts(findings)[State.ERROR]:
            raise SystemExit(1)


def _run_again(env: dict[str, str], options: dict[str, Any]) -> int:
    """Examine with this environment; return the exit code."""
    flags = [f"--{name.replace('_', '-')}" for name in ("json", "no_color", "traceback") if options[name]]
    command = [sys.executable, "manage.py", "doctor", *flags]
    return subprocess.run(command, env=env, cwd=settings.BASE_DIR, check=False).returncode
