from hypothesis import given
from hypothesis import strategies as st

from bench.search import FIRST, TOLERANCE, Bracket


def searched(most: int) -> tuple[Bracket, list[int]]:
    """The number found where exactly so many pass, and the numbers tried."""
    bracket, tried = Bracket(), []
    while (guess := bracket.guess()) is not None:
        tried.append(guess)
        bracket = bracket.after(guess, is_ok=guess <= most)
    return bracket, tried


@given(st.integers(1, 5000))
def test_what_is_found_is_close_below_the_truth(most: int) -> None:
    bracket, _ = searched(most)
    assert bracket.failed is not None
    assert bracket.passed <= most < bracket.failed
    assert bracket.failed - bracket.passed <= max(1, TOLERANCE * bracket.passed)


@given(st.integers(0, 5000))
def test_no_number_is_tried_twice(most: int) -> None:
    _, tried = searched(most)
    assert len(tried) == len({*tried}) <= 20


def test_it_doubles_until_one_fails_and_then_halves() -> None:
    assert searched(250)[1][:4] == [FIRST, 160, 320, 240]


def test_nothing_passes() -> None:
    assert searched(0)[0] == Bracket(0, 1)
