"""The command `llm`."""

import os
import sys
from pathlib import Path

from tests.harness.processes import run

LLM = (sys.executable, "-m", "llm", "openai", "endpoint")  # a fork: its own imports take a second


def llm(home: Path, *arguments: str) -> str:
    """Ask an endpoint; return what it printed, or fail with it. `home`: the folder of its database."""
    env = os.environ | {"LLM_USER_PATH": str(home), "LLM_LOAD_PLUGINS": ""}  # the weights of tests are one
    return run(*LLM, *arguments, env=env)
