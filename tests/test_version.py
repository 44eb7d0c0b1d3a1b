import tomllib

from chat import __version__
from tests.harness.processes import ROOT


def test_the_version_is_that_of_the_package() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__
