"""Freed memory goes back to the system."""

import os
import sys
from pathlib import Path

import pytest

from tests.harness.processes import run

BLOCKS, KIB = 100, 300
PROGRAM = f"""
from project.server.memory import return_large_blocks
{{}}
del_me = bytearray(10 * 1024 * 1024); del del_me  # glibc keeps smaller blocks from now on
blocks = []
for number in range({BLOCKS}):
    blocks += [bytearray({KIB} * 1024), bytearray(2000)]
small = blocks[1::2]
del blocks
print(open("/proc/self/status").read().split("VmRSS:")[1].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.slow
def test_large_blocks_that_are_freed_take_no_memory() -> None:
    kept, returned = (
        int(run(sys.executable, "-c", PROGRAM.format(call), fresh=True, env=dict(os.environ)))
        for call in ("", "return_large_blocks()")
    )
    assert kept - returned > BLOCKS * KIB / 2
