import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from project.up import guard, lock
from project.up.errors import DataDirError
from tests.harness.waiting import wait_until
from tests.project.up.children import is_alive

CRASHING = """
import os, subprocess, sys
from project.up import guard, lock
from project.up.errors import DataDirError
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
with guard.started() as watch:
    children = [subprocess.Popen(sleep, stdout=subprocess.DEVNULL, start_new_session=True) for _ in range(2)]
    for child in children:
        watch.watch(child.pid)
    watch.forget(children[1].pid)
    print(*(child.pid for child in children), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_after_a_kill_the_listed_children_are_killed_and_no_others() -> None:
    crashed = subprocess.run(
        [sys.executable, "-c", CRASHING], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    watched, forgotten = map(int, crashed.stdout.split())
    try:
        wait_until(lambda: not is_alive(watched), 10, "the guard kills the child")
        assert is_alive(forgotten)
    finally:
        guard.kill_group(forgotten)


def test_a_guard_holds_the_lock_until_it_has_ended(tmp_path: Path) -> None:
    with ExitStack() as parts:
        with lock.held(tmp_path) as lock_file:
            parts.enter_context(guard.started(lock_file))
        with pytest.raises(DataDirError):
            lock.held(tmp_path).__enter__()
    with lock.held(tmp_path):
        pass


def test_a_dead_guard_raises_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    guard.Guard(writing).watch(os.getpid())
    os.close(writing)
