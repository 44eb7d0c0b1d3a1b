"""The web side, and the contract that web and workers share: protocol, log, channel layer, rows."""

__version__ = "0.1.0"  # of Tailrace, as in pyproject.toml; workers tell theirs in their beats
