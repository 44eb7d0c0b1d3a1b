"""There is one version of Tailrace."""

import tomllib

from chat import __version__
from tests.harness.upstream.client import ROOT


def test_the_version_that_workers_report_is_that_of_the_project() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__
