"""The version of Tailrace is written once: in pyproject.toml, which goes into the image too."""

import re
import subprocess

from chat import __version__
from tests.harness.upstream.client import ROOT


def test_the_version_is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_no_other_file_repeats_the_version() -> None:
    search = ["git", "grep", "--name-only", "--fixed-strings", f'"{__version__}"', "--", "*.py", "*.toml"]
    found = subprocess.run(search, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert found == ["pyproject.toml"]
