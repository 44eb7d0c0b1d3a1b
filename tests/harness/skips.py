"""Parts that a machine may not have."""

import os
from typing import NoReturn

import pytest


def skip_without(part: str) -> NoReturn:
    """Skip the test by the name of the part; where CI is set, fail, as there the part has to be."""
    if os.environ.get("CI"):
        pytest.fail(f"{part} is missing")
    pytest.skip(f"{part} is missing")
