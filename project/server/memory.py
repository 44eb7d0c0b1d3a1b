"""Return freed memory to the system: glibc keeps large blocks after it has freed a few of them."""

import ctypes

M_MMAP_THRESHOLD = -3  # of <malloc.h>
LARGE_BYTES = 128 * 1024  # glibc's default, until it raises it by itself


def return_large_blocks() -> None:
    """Map and unmap each block above LARGE_BYTES by itself, where the C library can."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
