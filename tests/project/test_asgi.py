"""The ASGI application, as a server loads it."""

import subprocess
import sys

from tests.harness.dotenv import ROOT


def test_what_is_loaded_is_not_looked_through_for_garbage_again() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import gc, project.asgi; print(gc.get_freeze_count())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(told.stdout) > 50_000  # Django, Channels, Celery's client and redis
