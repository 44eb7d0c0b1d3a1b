"""The web side, and rooms shared with workers."""

import tomllib
from pathlib import Path

_PROJECT = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]

__version__: str = _PROJECT["version"]  # reported in workers' heartbeats
