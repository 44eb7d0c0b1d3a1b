"""A repeated answer is continued exactly, wherever it was cut and however its pieces were divided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.pieces import CallPart, ItemPart, Part, Piece, joined
from tests.chat.protocol.lives import ENDINGS, FOUND, OPENING, SEARCH
from tests.harness.writer import Writer
from workers.providers.responses.overlap import Lengths

KINDS = st.sampled_from(["text", "reasoning", "refusal"])
PIECES = st.builds(Piece, KINDS, st.text("ab水", min_size=1, max_size=4))


@st.composite
def answers(draw: st.DrawFn) -> list[Part]:
    """Pieces with searches among them, and calls whose parts may be interleaved."""
    parts: list[Part] = list(draw(st.lists(PIECES, max_size=6)))
    places = sorted(draw(st.lists(st.integers(0, len(parts)), max_size=2)))
    for index, place in reversed(list(enumerate(places))):
        parts[place:place] = [ItemPart(index, SEARCH, done=False), ItemPart(index, FOUND, done=True)]
    calls = draw(st.integers(0, 2))
    parts += [CallPart(index, f"tool{index}", f"c{index}") for index in range(calls)]
    if calls:
        more = st.builds(
            CallPart, st.integers(0, calls - 1), arguments=st.text("{}1", min_size=1, max_size=3)
        )
        parts += draw(st.lists(more, max_size=6))
    return parts


def single(parts: list[Part]) -> list[Part]:
    """The same answer, one character at a time."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, Piece):
            found += [Piece(part.kind, character) for character in part.text]
        elif isinstance(part, ItemPart):
            found.append(part)
        else:
            found += [CallPart(part.index, part.name, part.id)] if part.name else []
            found += [CallPart(part.index, arguments=character) for character in part.arguments]
    return found


@given(answers(), st.integers(0, 40), st.booleans())
def test_what_is_known_and_what_is_left_are_the_whole(whole: list[Part], cut: int, fine: bool) -> None:
    known = single(whole)[:cut]
    left = Lengths.of(joined(known)).dropped(single(whole) if fine else whole)
    assert single([*known, *left]) == single(whole)


@given(answers(), st.data())
def test_lengths_shrink_over_many_reads(whole: list[Part], data: st.DataObject) -> None:
    parts = single(whole)
    cut, read = data.draw(st.integers(0, len(parts))), data.draw(st.integers(0, len(parts)))
    lengths = Lengths.of(parts[:cut])
    repeated = lengths.copy()
    left = [*repeated.dropped(parts[:read]), *repeated.dropped(parts[read:])]
    assert [*parts[:cut], *left] == parts
    assert not lengths.dropped(parts[:cut]), "the copy is another one"


@given(answers(), st.integers(0, 40), st.booleans(), st.booleans())
def test_an_answer_that_is_taken_over_is_the_one_of_a_single_worker(
    whole: list[Part], cut: int, fine: bool, from_snapshot: bool
) -> None:
    """Its items have the same ids and places, whatever the log holds: events, or a snapshot of them."""
    alone, lost = Writer.after(OPENING), Writer.after(OPENING)
    alone.start(1)
    alone.add_parts(*whole)
    assert not Lengths.of(alone.state.parts).dropped(single(whole)), "all of it is known"
    logged = [*OPENING, *lost.start(1), *lost.add_parts(*single(whole)[:cut])]
    writer = Writer.after([lost.state.snapshot()] if from_snapshot else logged)
    left = Lengths.of(writer.state.parts).dropped(single(whole) if fine else whole)
    writer.start(2, exact=True)
    writer.add_parts(*left)
    assert writer.state.response("in_progress") == alone.state.response("in_progress")
    writer.finish(ENDINGS[0])
    alone.finish(ENDINGS[0])
    assert writer.state.ended == alone.state.ended


@pytest.mark.parametrize(("is_done", "left"), [(False, [True]), (True, [])])
def test_a_known_search_is_repeated_as_far_as_it_was_open(is_done: bool, left: list[bool]) -> None:
    lengths = Lengths.of([ItemPart(0, FOUND, done=is_done)])
    repeated = [ItemPart(0, SEARCH, done=False), ItemPart(0, FOUND, done=True)]
    assert [part.done for part in lengths.dropped(repeated) if isinstance(part, ItemPart)] == left
