"""Ids: they sort by the time at which they were made."""

import time
from uuid import RFC_4122

from chat.ids import new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {(made.version, made.variant) for made in ids} == {(7, RFC_4122)}
    assert len(set(ids)) == len(ids)


def test_an_id_begins_with_the_milliseconds_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id().int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_ids_sort_by_time_as_values_and_as_texts() -> None:
    ids = [new_id() for _ in range(1000)]  # many in each millisecond
    assert ids == sorted(ids)
    assert [str(made) for made in ids] == sorted(str(made) for made in ids)
