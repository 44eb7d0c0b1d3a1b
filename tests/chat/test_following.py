"""Following: whatever happens to the hints, each event goes on once and in order."""

from hypothesis import given
from hypothesis import strategies as st

from chat.following import Following

EVENTS = [f"event {number}" for number in range(12)]


@st.composite
def hints(draw: st.DrawFn) -> list[tuple[int, list[str]]]:
    """Hints at slices of the log: lost, doubled, overlapping and in any order."""
    spans = draw(st.lists(st.tuples(st.integers(0, 11), st.integers(1, 4)), max_size=30))
    return [(first, EVENTS[first : first + length]) for first, length in spans]


@given(hints(), st.integers(-1, 11))
def test_every_event_after_the_cursor_goes_on_once_and_in_order(
    arriving: list[tuple[int, list[str]]], cursor: int
) -> None:
    place = Following(cursor)
    seen: list[str] = []
    for first, events in [*arriving, (len(EVENTS) - 1, EVENTS[-1:])]:
        fresh = place.take(first, events)
        if fresh is None:  # a gap: read the log
            fresh = place.take(place.last + 1, EVENTS[place.last + 1 :])
            assert fresh is not None
        seen += fresh
    assert seen == EVENTS[cursor + 1 :]
    assert place.last == len(EVENTS) - 1


def test_a_gap_takes_nothing() -> None:
    place = Following(3)
    assert place.take(5, ["event 5"]) is None
    assert place.last == 3


def test_a_snapshot_may_move_the_place_back() -> None:
    place = Following(99)
    place.jump(4)
    assert place.take(5, ["event 5"]) == ["event 5"]
