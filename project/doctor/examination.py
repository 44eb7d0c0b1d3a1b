"""Check every part, also after a failure of another."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Thread

from django.conf import settings
from django.db import connections

from project.doctor import connections as database_connections
from project.doctor import (
    database,
    deployment,
    files,
    keys,
    logs,
    queues,
    responses,
    site,
    store,
    webhooks,
    workers,
)
from project.doctor.finding import Finding, UnavailableError, error, warning

PART_SECS = 8  # above the parts' own limits

logger = logging.getLogger(__name__)
Examine = Callable[[], list[Finding]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part, and the parts that it needs."""

    name: str
    examine: Examine
    needs: tuple[str, ...] = ()


def parts() -> tuple[Part, ...]:
    """All parts, each after those that it needs."""
    return (
        Part("deployment", deployment.examine),
        Part("settings", site.examine),
        Part("models", keys.examine),
        Part("Redis", store.examine),
        Part("database", partial(database.examine, debug=settings.DEBUG)),
        Part("files", files.examine),
        Part("workers", workers.examine, needs=("Redis",)),
        Part("queues", queues.examine, needs=("Redis", "models")),
        Part("webhooks", webhooks.examine, needs=("Redis", "database")),
        Part("connections", database_connections.examine, needs=("Redis", "database")),
        Part("responses", responses.examine, needs=("Redis", "database")),
        Part("logs", logs.examine, needs=("Redis", "database")),
    )


def findings(parts: Sequence[Part]) -> list[Finding]:
    """All findings; an unavailable part is a single error."""
    found: list[Finding] = []
    unavailable: set[str] = set()
    for part in parts:
        if missing := unavailable.intersection(part.needs):
            found.append(_not_checked(part.name, sorted(missing)))
            continue
        try:
            found += _bounded(part.examine, PART_SECS)
        except UnavailableError as outage:
            found.append(outage.finding)
            unavailable.add(part.name)
        except Exception as trouble:  # the other parts are still checked
            logger.debug("%s could not be checked", part.name, exc_info=True)
            found.append(_broken(part.name, trouble))
            unavailable.add(part.name)
    return found


def _bounded(examine: Examine, secs: float) -> list[Finding]:
    """Examine in a daemon thread; also raises TimeoutError."""
    outcome: Future[list[Finding]] = Future()
    Thread(target=_examine, args=[examine, outcome], daemon=True).start()
    return outcome.result(secs)


def _examine(examine: Examine, outcome: Future[list[Finding]]) -> None:
    try:
        found = examine()
    except BaseException as trouble:  # noqa: BLE001 - raised again by `outcome.result`
        connections.close_all()
        outcome.set_exception(trouble)
    else:
        connections.close_all()
        outcome.set_result(found)


def _not_checked(name: str, missing: Sequence[str]) -> Finding:
    return warning(name, f"not checked without {' and '.join(missing)}", "First fix the unavailable part.")


def _broken(name: str, trouble: Exception) -> Finding:
    if isinstance(trouble, TimeoutError):
        return error(name, f"no reply within {PART_SECS} s", "Check its host and its log.")
    remedy = "Fix the other errors; if there are none, LOG_LEVEL=DEBUG shows the cause."
    return error(name, f"could not be checked ({type(trouble).__name__})", remedy)
