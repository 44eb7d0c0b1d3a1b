"""Names of keys in Redis, below the deployment's prefix.

Channel layer and broker add the same prefix themselves, so deployments with different ones can share a Redis.
"""

from chat.conf import conf


def prefixed(name: str) -> str:
    """The key of a name."""
    return f"{conf.PREFIX}:{name}"
