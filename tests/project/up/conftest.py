import io
from collections.abc import Iterator

import pytest

from project.up import environment, guard, valkey
from project.up.console import Console
from project.up.errors import LocalError
from project.up.guard import Guard
from tests.harness.skips import skip_without


@pytest.fixture(scope="session")
def local_parts() -> None:
    """The embedded Valkey and the local model, installed."""
    try:
        valkey.binary()
        environment.weights()
    except LocalError:
        skip_without("the dependency group `local`")


@pytest.fixture
def screen() -> io.StringIO:
    """The output of the console."""
    return io.StringIO()


@pytest.fixture
def console(screen: io.StringIO) -> Console:
    """A console without colours that shows every line."""
    return Console(screen, colour=False, verbose=True)


@pytest.fixture
def watch() -> Iterator[Guard]:
    """A guard that kills what a failed test leaves behind."""
    with guard.started() as started:
        yield started
