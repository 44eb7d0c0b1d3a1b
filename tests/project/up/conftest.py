import io
from collections.abc import Iterator

import pytest

from project.up import guard
from project.up.console import Console
from project.up.guard import Guard


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
