"""The turns of a page: connected, bounded, with all versions or none of them."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.conversations.tree import MAX_ROWS, PAGE_BYTES, PER_PAGE, VERSIONS_BYTES, Tree


def tree(*previous: int | None) -> Tree:
    """A tree whose turn number n follows that number."""
    return Tree((UUID(int=n), None if at is None else UUID(int=at)) for n, at in enumerate(previous))


def line(count: int) -> list[int | None]:
    return [None, *range(count - 1)]


def numbers(ids: list[UUID] | set[UUID]) -> list[int]:
    return sorted(each.int for each in ids)


def page(of: Tree, path: list[UUID]) -> list[int]:
    return numbers(of.with_versions(path))


def test_a_short_conversation_is_whole() -> None:
    branches = tree(None, 0, 1, 0, 3, None, 5)
    assert page(branches, branches.latest()) == list(range(7))


def test_a_long_one_is_read_from_its_end() -> None:
    long = tree(*line(120))
    assert page(long, long.latest()) == list(range(70, 120))
    assert page(long, long.above(UUID(int=70))) == list(range(20, 70))
    assert page(long, long.above(UUID(int=20))) == list(range(20))
    assert page(long, long.above(UUID(int=0))) == []
    assert page(long, long.below(UUID(int=10))) == list(range(11, 61))


def test_the_newest_version_is_shown_and_the_others_are_there() -> None:
    of = tree(*line(100), 98, 98)
    assert numbers(of.latest()) == [*range(50, 99), 101]
    assert page(of, of.latest()) == list(range(50, 102))


def test_a_long_branch_beside_the_path_continues() -> None:
    of = tree(*line(300), 0)  # 0 → 1 … 299, and 0 → 300, which is newer
    ids = of.with_versions(of.latest())
    assert numbers(ids) == [*range(MAX_ROWS - 1), 300]
    assert [each.int for each in ids if of.continues(each, ids)] == [MAX_ROWS - 2]


def test_thousands_of_versions_are_not_sent() -> None:
    of = tree(None, *[0] * 5000)
    assert page(of, of.latest()) == [0, 5000]


def test_versions_that_are_too_large_together_are_left_out() -> None:
    of = tree(None, None)
    first, newest = UUID(int=0), UUID(int=1)
    for size, expected in ((VERSIONS_BYTES // 2, [0, 1]), (VERSIONS_BYTES // 2 + 1, [1])):
        sizes = {first: size, newest: size}
        assert numbers(of.with_versions(of.fitting(of.latest(), sizes, first=False), sizes)) == expected


@given(st.lists(st.integers(0, PAGE_BYTES), min_size=1, max_size=PER_PAGE), st.booleans())
def test_as_many_turns_as_fit_are_kept_at_least_one(bytes_of: list[int], first: bool) -> None:
    of = tree(*line(len(bytes_of)))
    sizes = {UUID(int=n): size for n, size in enumerate(bytes_of)}
    path = of.latest()
    kept = of.fitting(path, sizes, first=first)
    assert kept
    assert kept == (path[: len(kept)] if first else path[-len(kept) :])
    assert len(kept) == 1 or sum(sizes[each] for each in kept) <= PAGE_BYTES
    more = path[: len(kept) + 1] if first else path[-len(kept) - 1 :]
    assert more == kept or sum(sizes[each] for each in more) > PAGE_BYTES


@given(st.lists(st.integers(0, 10_000), max_size=600), st.data())
def test_every_page_is_connected_and_bounded(seeds: list[int], data: st.DataObject) -> None:
    parents = [None if not n or not seed % 9 else seed % n for n, seed in enumerate(seeds)]
    of = tree(*parents)
    start = UUID(int=data.draw(st.integers(0, max(0, len(parents) - 1))))
    paths = [of.latest(), *((of.above(start), of.below(start)) if parents else ())]
    for path in paths:
        ids = of.with_versions(path)
        assert len(path) <= PER_PAGE
        assert len(ids) <= MAX_ROWS
        top = {parents[path[0].int]} if path else set()
        assert {parents[each] for each in numbers(ids)} <= top | {*numbers(ids)}


@pytest.mark.parametrize("count", [0, 1])
def test_an_empty_conversation_and_a_single_turn(count: int) -> None:
    of = tree(*line(count)) if count else tree()
    assert page(of, of.latest()) == list(range(count))
