"""The ASGI application, as a server loads it."""

import subprocess
import sys

import pytest

from tests.harness.upstream.client import ROOT


@pytest.mark.system
def test_start_up_objects_are_kept_out_of_garbage_collection() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", "import gc, project.asgi; print(gc.get_freeze_count())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(printed.stdout) > 50_000  # Django, Channels, Celery's client and redis
