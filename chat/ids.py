"""Ids that sort by time, UUID version 7 (RFC 9562, section 5.7); on the wire `resp_<32 hex digits>`."""

import secrets
import time
from uuid import UUID

NS_PER_MS = 1_000_000

# prefixes, as OpenAI's
RESPONSE = "resp"
CONVERSATION = "conv"
WEBHOOK = "wh"
EVENT = "evt"  # of a webhook
CALL = "call"  # of a call whose server gave it no id
OTHER_ITEM = "item"
# of items, by their types; others have OTHER_ITEM
ITEMS = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
}


def new_id() -> UUID:
    """48 bits of Unix milliseconds, 12 bits of their fraction (section 6.2, method 3), 62 random bits.

    A process's ids sort in creation order, even within a millisecond.
    """
    milliseconds, rest = divmod(time.time_ns(), NS_PER_MS)
    fraction = (rest << 12) // NS_PER_MS
    version, variant = 0x7, 0b10
    return UUID(
        int=milliseconds << 80 | version << 76 | fraction << 64 | variant << 62 | secrets.randbits(62)
    )


def wire_id(prefix: str, value: UUID) -> str:
    """An id as clients see it: OpenAI's SDKs and LangChain know an object's kind by its prefix."""
    return f"{prefix}_{value.hex}"


def item_prefix(kind: str) -> str:
    """The prefix of an item's id, by the item's type."""
    return ITEMS.get(kind, OTHER_ITEM)


def bare(prefix: str, text: str) -> str:
    """The digits of an id without its prefix, if it has one."""
    return text.removeprefix(f"{prefix}_")
