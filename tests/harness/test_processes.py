"""Measurements of the harness of processes."""

import os
import time

from tests.harness.processes import cpu_secs


def test_cpu_is_counted_to_less_than_a_tick() -> None:
    before = time.process_time()
    counted = cpu_secs(os.getpid())
    assert before < counted < time.process_time()
