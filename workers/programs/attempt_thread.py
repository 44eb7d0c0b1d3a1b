"""The thread of a program's synchronous code. It cannot be stopped: one that does not end is left behind."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections, connections

logger = logging.getLogger(__name__)

stuck: set["AttemptThread"] = set()  # left behind, with a function that has not ended


class AttemptThread(ThreadPoolExecutor):
    """One thread, for the synchronous code of one answer.

    A connection to the database is released after each call: a pool has fewer of them than there are answers.
    """

    def __init__(self) -> None:
        super().__init__(1, "program")
        self._last: Future[Any] | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it, then release the connections."""
        self._last = super().submit(_released, fn, *args, **kwargs)
        return self._last

    def close(self) -> None:
        """End the thread after its work; do not wait for it."""
        closing = super().submit(connections.close_all)
        self.shutdown(wait=False)
        if self._last is not None and not self._last.done():
            stuck.add(self)
            closing.add_done_callback(lambda _: stuck.discard(self))
            logger.warning("threads of stopped programs that still run: %d", len(stuck))


def _released(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return fn(*args, **kwargs)
    except StopIteration as error:  # no future takes it: its reader would wait for ever
        message = "a function in a thread raised StopIteration"
        raise RuntimeError(message) from error
    finally:
        close_old_connections()
