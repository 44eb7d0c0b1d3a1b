"""Away: whatever a missing part raises is one of these, and our own mistakes are not."""

import kombu.exceptions
import pytest
import redis
from django.db import IntegrityError, InterfaceError, OperationalError

from chat.models import Response
from chat.protocol.errors import CommandError
from chat.transport.outages import UNAVAILABLE


@pytest.mark.parametrize(
    "error",
    [
        redis.ConnectionError,
        redis.TimeoutError,
        redis.ResponseError,
        kombu.exceptions.OperationalError,
        OperationalError,
        InterfaceError,
        IntegrityError,
        TimeoutError,
        ConnectionRefusedError,
    ],
)
def test_a_part_that_is_away_is_known_by_its_error(error: type[Exception]) -> None:
    assert issubclass(error, UNAVAILABLE)


@pytest.mark.parametrize("error", [CommandError, Response.DoesNotExist, KeyError, ValueError])
def test_a_refusal_or_a_mistake_is_not_a_part_that_is_away(error: type[Exception]) -> None:
    assert not issubclass(error, UNAVAILABLE)
