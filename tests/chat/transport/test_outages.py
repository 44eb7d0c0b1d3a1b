"""Outages: the errors of an unavailable part, and retrying until it is back."""

from collections.abc import Awaitable, Callable

import kombu.exceptions
import pytest
import redis
from django.db import IntegrityError, InterfaceError, OperationalError

from chat.models import Response
from chat.protocol.errors import CommandError
from chat.transport.outages import UNAVAILABLE, retry


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
def test_the_errors_of_an_unavailable_part(error: type[Exception]) -> None:
    assert issubclass(error, UNAVAILABLE)


@pytest.mark.parametrize("error", [CommandError, Response.DoesNotExist, KeyError, ValueError])
def test_a_refusal_or_a_bug_is_no_outage(error: type[Exception]) -> None:
    assert not issubclass(error, UNAVAILABLE)


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    """Work that raises these errors in turn, and then returns."""
    pending = iter(errors)

    async def work() -> str:
        for error in pending:
            raise error
        return "done"

    return work


async def test_work_is_retried_until_the_part_is_back(caplog: pytest.LogCaptureFixture) -> None:
    assert await retry("cannot join", failing(redis.ConnectionError(), TimeoutError()), 0.001) == "done"
    assert caplog.messages == [
        "cannot join: ConnectionError, trying again",
        "cannot join: TimeoutError, trying again",
    ]


async def test_after_its_time_the_last_error_is_raised() -> None:
    with pytest.raises(redis.TimeoutError):
        await retry("", failing(redis.ConnectionError(), redis.TimeoutError()), 0.02, for_secs=0.01)


async def test_any_other_error_is_raised_at_once() -> None:
    with pytest.raises(KeyError):
        await retry("", failing(KeyError()), 1)
    with pytest.raises(InterfaceError):
        await retry("", failing(InterfaceError()), 1, errors=(redis.ConnectionError,))
