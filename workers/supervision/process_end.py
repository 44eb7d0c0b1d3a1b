"""End a stopped worker's process: Python waits for threads, and a program's function may run for ever."""

import logging
import os
import threading
import time

logger = logging.getLogger(__name__)

END_SECS = 5  # for threads that end by themselves


def end_within(secs: float, exit_code: int) -> None:
    """End the process after some seconds, if it still runs. Returns at once."""
    threading.Thread(target=_end, args=[secs, exit_code], name="process end", daemon=True).start()


def _end(secs: float, exit_code: int) -> None:
    time.sleep(secs)
    logger.warning("the worker ends, though threads of programs still run")
    os._exit(exit_code)
