"""Tracebacks for the log: where an exception came from, not its text, which may quote what people wrote."""

import traceback
from collections.abc import Iterator

from chat.conf import conf

MAX_EXCEPTIONS = 20  # of a chain or a group


def described(error: BaseException) -> str:
    """Types and frames, also of causes and of a group's parts; texts if the operator wants them."""
    if conf.LOG_UPSTREAM_ERRORS:
        return "".join(traceback.format_exception(error))
    found = list(_related(error))
    parts = ["".join([*traceback.format_tb(each.__traceback__), _name(each)]) for each in reversed(found)]
    return "Traceback, without texts (TAILRACE_LOG_UPSTREAM_ERRORS):\n" + "\n".join(parts)


def _related(error: BaseException) -> Iterator[BaseException]:
    """The exception, then those that it came from."""
    waiting, seen = [error], list[BaseException]()
    while waiting and len(seen) < MAX_EXCEPTIONS:
        each = waiting.pop(0)
        if any(each is other for other in seen):
            continue
        seen.append(each)
        yield each
        before = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        waiting += [before] if before else []
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
