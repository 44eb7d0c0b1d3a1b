"""The web side, and the rooms that web and workers share: protocol, transport, responses and more."""

__version__ = "0.1.0"  # of Tailrace, as in pyproject.toml; workers report it in their heartbeats
