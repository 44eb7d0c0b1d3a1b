"""A program with a key of the owner's."""

import pytest
from django.contrib.auth.models import User

from chat.transport.event_log import Log
from tests.chat.api.client import Program


@pytest.fixture
async def program(owner: User, log: Log) -> Program:
    """The owner's program."""
    return await Program.of(owner)
