"""The programs of docs/api.md, and that of the README, run as they are."""

import re
from pathlib import Path

import pytest

from tests.harness.processes import ROOT
from tests.sdk.conftest import Api

pytestmark = pytest.mark.system

BASE_URL, KEY = "http://127.0.0.1:8000/v1", "tr_…"  # of the documents
PROGRAM = re.compile("```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "docs/api.md"], ids=lambda path: path.name)
def test_the_programs_run(path: Path, served: Api, capsys: pytest.CaptureFixture[str]) -> None:
    programs = PROGRAM.findall(path.read_text())
    assert BASE_URL in programs[0]
    text = "\n".join(programs).replace(BASE_URL, served.base_url).replace(KEY, served.key)
    exec(compile(text, path.name, "exec"), {})  # noqa: S102 - our own document
