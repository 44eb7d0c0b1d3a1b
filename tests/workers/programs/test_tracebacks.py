"""Tracebacks in the log have no words of people."""

import asyncio

import pytest
from pytest_django import Settings

from workers.programs.tracebacks import MAX_EXCEPTIONS, described

SECRET = "words of a person"


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:  # noqa: BLE001 - as a program raises it
        return caught


@pytest.mark.parametrize(
    "error",
    [
        raised(LookupError(SECRET), raised(KeyError(SECRET))),
        raised(ExceptionGroup(SECRET, [raised(KeyError(SECRET)), LookupError(SECRET)])),
    ],
)
def test_types_and_frames_are_named_and_no_text(error: Exception) -> None:
    error.add_note(SECRET)
    text = described(error)
    assert SECRET not in text
    assert {"LookupError", "KeyError"} <= set(text.splitlines())
    assert text.splitlines()[-1] == type(error).__name__
    assert text.count(f"{raised.__name__}\n    raise error from cause\n") == 2


def test_a_type_has_its_module() -> None:
    assert described(asyncio.QueueFull()).endswith("\nasyncio.queues.QueueFull")


def test_a_long_chain_and_a_circle_end() -> None:
    first = last = ValueError()
    for _ in range(2 * MAX_EXCEPTIONS):
        last.__cause__ = cause = ValueError()
        last = cause
    assert described(first).count("ValueError") == MAX_EXCEPTIONS
    last.__cause__ = first
    assert described(last).count("ValueError") == MAX_EXCEPTIONS
    first.__cause__ = last
    assert described(first).count("ValueError") == 2


def test_the_operator_may_want_the_texts(settings: Settings) -> None:
    settings.TAILRACE_LOG_UPSTREAM_ERRORS = True
    assert f"LookupError: {SECRET}" in described(raised(LookupError(SECRET)))
