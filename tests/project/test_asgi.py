"""The ASGI application, as a server loads it."""

import sys

import pytest

from tests.harness.processes import run

PROGRAM = "import gc, project.asgi; print(gc.get_freeze_count())"


@pytest.mark.slow
def test_start_up_objects_are_kept_out_of_garbage_collection() -> None:
    printed = run(sys.executable, "-c", PROGRAM, fresh=True)
    assert int(printed) > 50_000  # Django, Channels, Celery's client and redis
