"""The default of TAILRACE_PREFIX."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any


def default_prefix(secret_key: str, database: Mapping[str, Any]) -> str:
    """Eight hex digits: the same in all processes of a deployment, others in another one.

    The database's credentials may change without a change of the prefix.
    """
    address = [str(database.get(part, "")) for part in ("HOST", "PORT", "NAME")]
    return sha256("\n".join([secret_key, *address]).encode()).hexdigest()[:8]
