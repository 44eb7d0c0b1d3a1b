"""Retry-After: in seconds, in milliseconds, as a date, or absent."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.providers.retry_after import retry_after_secs

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "4"}, 4),
        ({"retry-after": " 4 "}, 4),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1),
        ({"retry-after": formatdate(NOW + 7, usegmt=True)}, 7),
        ({"retry-after": formatdate(NOW - 7, usegmt=True)}, 0),
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "a while"}, None),
        ({"retry-after": "Fri, 99 Foo 99999 99:99:99 GMT"}, None),
    ],
)
def test_the_seconds_in_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_secs(headers, NOW) == seconds


def test_a_date_is_compared_with_the_servers_date() -> None:
    headers = {
        "date": formatdate(NOW + 3600, usegmt=True),
        "retry-after": formatdate(NOW + 3607, usegmt=True),
    }
    assert retry_after_secs(headers, NOW) == 7


def test_without_a_valid_date_header_our_clock_counts() -> None:
    headers = {"date": "today", "retry-after": formatdate(NOW + 7, usegmt=True)}
    assert retry_after_secs(headers, NOW) == 7


@given(st.text(), st.text(), st.text())
def test_any_header_is_accepted_and_never_in_the_past(value: str, ms: str, date: str) -> None:
    seconds = retry_after_secs({"retry-after": value, "retry-after-ms": ms, "date": date}, NOW)
    assert seconds is None or seconds >= 0
