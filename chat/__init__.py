"""The web side, and rooms shared with workers."""

__version__ = "0.1.0"  # as in pyproject.toml; reported in workers' heartbeats
