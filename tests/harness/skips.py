"""Skip tests whose parts a machine does not have."""

import os
from typing import NoReturn

import pytest


def skip_without(part: str) -> NoReturn:
    """Skip the test, naming the part; in CI fail, as the part must be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{part} is missing")
    pytest.skip(f"{part} is missing")
