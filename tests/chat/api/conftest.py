"""A program with a key of the owner's, on a real Valkey with an empty broker."""

import pytest
from django.contrib.auth.models import User

from chat.transport.event_log import Log
from tests.chat.api.client import Program
from tests.harness.broker import Broker


@pytest.fixture
async def program(owner: User, log: Log, broker: Broker) -> Program:
    """The owner's program."""
    return await Program.of(owner)
