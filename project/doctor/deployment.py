"""Choose the deployment to check: a running `up`, or the environment's."""

import os
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from project.doctor.finding import Finding, ok, warning
from project.up import running

MARK = "TAILRACE_DOCTOR_CHECKS"  # the data directory of the checked `up`
# these name a deployment; SECRET_KEY does not: `up` reads the same `.env`
NAMING = ("REDIS_URL", "TAILRACE_LOG_URL")


def environment(data_dir: Path | None, environ: Mapping[str, str]) -> dict[str, str] | None:
    """The environment of the `up` to check, or None to check `environ`.

    `data_dir` beats `environ`; raises CommandError if no `up` runs there.
    """
    if MARK in environ or (data_dir is None and any(map(environ.get, NAMING))):
        return None
    place = (data_dir or settings.TAILRACE_DATA_DIR).expanduser().resolve()
    variables = running.variables_of(place)
    if variables is not None:
        given = {name: value for name, value in variables.items() if value is not None}
        others = {name: value for name, value in environ.items() if name not in variables}
        return {**others, **given, MARK: str(place)}
    if data_dir is not None:
        message = f"No `up` runs with the data directory {place}, or it is another user's."
        raise CommandError(message)
    return None


def examine() -> list[Finding]:
    """Name the checked deployment; check its directory."""
    data_dir = settings.TAILRACE_DATA_DIR
    return [named(os.environ, data_dir), *private(data_dir)]


def private(data_dir: Path) -> list[Finding]:
    """Check that other users cannot read the SQLite file, which has sessions; nothing without one."""
    if not (data_dir / "db.sqlite3").exists():
        return []
    if not data_dir.stat().st_mode & 0o077:
        return [ok("data directory", "private")]
    remedy = f"Run chmod 700 {data_dir}: they can read conversations, and use sessions."
    return [warning("data directory", "other users can read it", remedy)]


def named(environ: Mapping[str, str], data_dir: Path) -> Finding:
    """Name the deployment of `environ`; warn about defaults."""
    if place := environ.get(MARK):
        return ok("deployment", f"the running `up` with its data in {place}")
    if named := [name for name in NAMING if environ.get(name)]:
        return ok("deployment", f"the one of this environment ({named[0]})")
    remedy = "Start `manage.py up`, name its --data-dir, or set the REDIS_URL of a deployment."
    return warning("deployment", f"the defaults: no `up` runs with its data in {data_dir}", remedy)
