"""Ids that sort by time: UUID version 7 (RFC 9562, section 5.7)."""

import secrets
import time
from uuid import UUID


def new_id() -> UUID:
    """48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    version, variant = 0x7, 0b10
    return UUID(
        int=milliseconds << 80
        | version << 76
        | secrets.randbits(12) << 64
        | variant << 62
        | secrets.randbits(62)
    )
