"""Names of keys in Redis, below the deployment's prefix.

Channel layer and broker add the same prefix themselves, so deployments with different ones can share a Redis.
"""

from chat.conf import conf


def prefixed(name: str) -> str:
    """The key of a name."""
    return f"{conf.PREFIX}:{name}"


def steps_key(response_id: str) -> str:
    """The key of the results of a response's steps, beside that of its log."""
    return prefixed(f"response:{{{response_id}}}:steps")
