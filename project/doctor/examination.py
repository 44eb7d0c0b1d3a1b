"""Looks at one part after the other. None can keep the others from being looked at.

In: `manage.py doctor`. Out: the findings, for `report`.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Thread

from django.conf import settings
from django.db import connections

from project.doctor import database, keys, queues, responses, site, store, workers
from project.doctor.finding import AwayError, Finding, error, warning

PART_SECS = 8  # more than the questions of any part may take by their own limits

logger = logging.getLogger(__name__)
Examine = Callable[[], list[Finding]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part, and those that must answer before it can be asked."""

    name: str
    examine: Examine
    needs: tuple[str, ...] = ()


def parts() -> tuple[Part, ...]:
    """All parts, those that others need first."""
    return (
        Part("settings", site.examine),
        Part("models", keys.examine),
        Part("Redis", store.examine),
        Part("database", partial(database.examine, debug=settings.DEBUG)),
        Part("workers", workers.examine, needs=("Redis",)),
        Part("queues", queues.examine, needs=("Redis", "models")),
        Part("responses", responses.examine, needs=("Redis", "database")),
    )


def findings(parts: Sequence[Part]) -> list[Finding]:
    """Everything that was found, part for part; one that is away is one error, not one for each question."""
    found: list[Finding] = []
    away: set[str] = set()
    for part in parts:
        if missing := away.intersection(part.needs):
            found.append(_not_asked(part.name, sorted(missing)))
            continue
        try:
            found += _bounded(part.examine, PART_SECS)
        except AwayError as absence:
            found.append(absence.finding)
            away.add(part.name)
        except Exception as trouble:  # whatever it is, the other parts are looked at
            logger.debug("%s could not be looked at", part.name, exc_info=True)
            found.append(_broken(part.name, trouble))
            away.add(part.name)
    return found


def _bounded(examine: Examine, secs: float) -> list[Finding]:
    """Examine in a thread that nobody has to wait for. Raises what it raises, and TimeoutError."""
    outcome: Future[list[Finding]] = Future()
    Thread(target=_examine, args=[examine, outcome], daemon=True).start()
    return outcome.result(secs)


def _examine(examine: Examine, outcome: Future[list[Finding]]) -> None:
    try:
        found = examine()
    except BaseException as trouble:  # noqa: BLE001 - it is raised where the outcome is waited for
        connections.close_all()
        outcome.set_exception(trouble)
    else:
        connections.close_all()
        outcome.set_result(found)


def _not_asked(name: str, missing: Sequence[str]) -> Finding:
    return warning(name, f"not looked at without {' and '.join(missing)}", "First mend what is away.")


def _broken(name: str, trouble: Exception) -> Finding:
    if isinstance(trouble, TimeoutError):
        return error(name, f"no answer within {PART_SECS} s", "It is mute: look at its host and its log.")
    remedy = "Mend what else is wrong; if it is all that is, LOG_LEVEL=DEBUG shows the cause."
    return error(name, f"could not be looked at ({type(trouble).__name__})", remedy)
