"""Measurements of the harness of processes."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.harness.processes import Process, cpu_secs


@pytest.mark.skipif(sys.platform != "linux", reason="the clock of a process is Linux's")
def test_cpu_is_counted_to_less_than_a_tick() -> None:
    before = time.process_time()
    counted = cpu_secs(os.getpid())
    assert before < counted < time.process_time()


def test_an_ended_process_has_no_cpu(tmp_path: Path) -> None:
    process = Process(tmp_path / "ended.log", ["true"]).start()
    process.popen.wait()
    with pytest.raises(psutil.NoSuchProcess):
        cpu_secs(process.popen.pid)
