"""The stack that the tests of a folder share: `stack = pytest.fixture(scope="package")(shared_stack)`.

It ends with the folder's tests: beside those of other folders, its two idle workers take 3 % of a core.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.stack import DEPLOYED, MODELS, Stack, running


def shared_stack(tmp_path_factory: pytest.TempPathFactory, static_files: Path) -> Iterator[Stack]:
    """Web server, two workers, Valkey and the scripted upstream, as separate processes, as deployed."""
    directory = tmp_path_factory.mktemp("stack")
    env = {**DEPLOYED, "TAILRACE_STATIC_ROOT": str(static_files)}
    with running(directory, 2, None, MODELS, **env) as parts:
        yield parts
