"""A Tailrace behind proxies, started once for the files of tests that leave it as it was."""

import resource
from collections.abc import Iterator

import pytest

from tests.faults.harness import Harness, start_harness
from tests.harness.shared_stack import shared_stack
from tests.harness.stack import Stack
from tests.sdk.judging import Judge

OPEN_FILES = 8192  # five hundred sockets, each through a proxy


stack = pytest.fixture(scope="package")(shared_stack)


@pytest.fixture(scope="package")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Two workers and a web server; a file that kills workers has its own harness."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, OPEN_FILES)), hard))
    with start_harness(tmp_path_factory.mktemp("harness")) as parts:
        yield parts


@pytest.fixture
def own(harness: Harness) -> Iterator[Stack]:
    """The parts of a separate harness, with as many workers afterwards as there were before."""
    before = len(harness.workers)
    harness.stack.upstream.clear()
    yield harness.stack
    for name in [harness.start_worker() for _ in range(before - len(harness.workers))]:
        harness.wait_for_worker(name)


@pytest.fixture
def judge() -> Iterator[Judge]:
    """Judges the replies that programs got, at the test's end."""
    found = Judge()
    yield found
    found.require()
