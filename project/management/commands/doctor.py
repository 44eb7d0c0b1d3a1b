"""`manage.py doctor`: check a deployment."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from chat.responses.model_catalog import ModelConfig
from project.doctor import deployment, examination, keys, report
from project.doctor.finding import Finding, State, UnavailableError, counts
from project.up.console import is_colourful


class Command(BaseCommand):
    """Shows the findings."""

    help = (
        "Check a deployment: settings, models, Redis, database, workers, queues. If the environment or "
        "`.env` sets REDIS_URL, check that deployment; otherwise the running `manage.py up`. Each line has "
        "the check, its result and, if necessary, the remedy. The exit code is 1 if any line is an error. "
        "Nothing is changed, and no model is asked, except with --ask."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="show the same as JSON")
        parser.add_argument(
            "--ask",
            action="append",
            nargs="?",
            metavar="NAME",
            help=(
                "ask every model, or the named one (repeatable), three tiny questions: each costs some dozen "
                "tokens, and a large model may load for minutes; the progress is on stderr"
            ),
        )
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
        if options["ask"]:
            findings = self._with_answers(findings, options["ask"])
        stream = cast(TextIO, self.stdout)
        colour = is_colourful(stream, os.environ) and not options["no_color"]
        self.stdout.write(
            report.machine_text(findings) if options["json"] else report.text(findings, colour=colour)
        )
        if counts(findings)[State.ERROR]:
            raise SystemExit(1)

    def _with_answers(self, findings: list[Finding], names: list[str | None]) -> list[Finding]:
        """Replace the lines of the asked models; unreadable models have their finding already."""
        try:
            asked = _chosen(keys.models(), names)
        except UnavailableError:
            return findings
        examine = import_string("project.doctor.models.asking.examine")
        answers = {finding.what: finding for finding in examine(asked, self._say)}
        return [answers.get(finding.what, finding) for finding in findings]

    def _say(self, text: str) -> None:
        """Write a line of progress, without the colour of errors."""
        self.stderr.write(text, style_func=str)


def _chosen(models: list[ModelConfig], names: list[str | None]) -> list[ModelConfig]:
    """The models of these names; None: all that have a server. Raises CommandError."""
    if programs := [model.name for model in models if model.program and model.name in names]:
        message = f"{programs[0]} is a program: it runs in a worker. Ask it on the page."
        raise CommandError(message)
    models = [model for model in models if not model.program]
    if unknown := set(names) - {model.name for model in models} - {None}:
        listed = ", ".join(model.name for model in models)
        message = f"There is no model {unknown.pop()} to ask: choose from {listed}."
        raise CommandError(message)
    return [model for model in models if None in names or model.name in names]


def _run_again(env: dict[str, str], options: dict[str, Any]) -> int:
    """Examine with this environment; return the exit code."""
    flags = [f"--{name.replace('_', '-')}" for name in ("json", "no_color", "traceback") if options[name]]
    asked = [f"--ask={name}" if name else "--ask" for name in options["ask"] or []]
    command = [sys.executable, "manage.py", "doctor", *flags, *asked]
    return subprocess.run(command, env=env, cwd=settings.BASE_DIR, check=False).returncode
