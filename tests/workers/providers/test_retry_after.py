"""When a server wants to be asked again: in seconds, in milliseconds, at a date, or it does not say."""

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
def test_the_headers_say_how_long(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_secs(headers, NOW) == seconds


def test_a_date_is_one_of_the_servers_own_clock() -> None:
    headers = {
        "date": formatdate(NOW + 3600, usegmt=True),
        "retry-after": formatdate(NOW + 3607, usegmt=True),
    }
    assert retry_after_secs(headers, NOW) == 7


def test_a_server_without_a_good_date_has_our_clock() -> None:
    headers = {"date": "today", "retry-after": formatdate(NOW + 7, usegmt=True)}
    assert retry_after_secs(headers, NOW) == 7


@given(st.text(), st.text(), st.text())
def test_whatever_they_say_it_is_no_fault_and_never_in_the_past(value: str, ms: str, date: str) -> None:
    seconds = retry_after_secs({"retry-after": value, "retry-after-ms": ms, "date": date}, NOW)
    assert seconds is None or seconds >= 0
