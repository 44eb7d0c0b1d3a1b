"""A whole Tailrace for the tests that leave it as it was."""

import pytest

from tests.harness.shared_stack import shared_stack

stack = pytest.fixture(scope="package")(shared_stack)
