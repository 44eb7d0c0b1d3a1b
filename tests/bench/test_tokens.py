from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.tokens import TokenReader, WrongStreamError, token

TOKENS = [token(number, 10 + number) for number in range(4)]


@given(st.lists(st.integers(0, len("".join(TOKENS))), max_size=6))
def test_a_text_may_be_cut_anywhere(cuts: list[int]) -> None:
    text, reader = "".join(TOKENS), TokenReader(4)
    edges = [0, *sorted(cuts), len(text)]
    for begin, end in pairwise(edges):
        reader.feed(text[begin:end], now=20)
    reader.finish()
    assert reader.latencies == [10, 9, 8, 7]


@pytest.mark.parametrize(
    "wrong",
    [
        [TOKENS[0], TOKENS[2]],
        [TOKENS[0], TOKENS[0]],
        [TOKENS[1], TOKENS[0]],
        ["0:12x "],
        ["0 "],
        [" "],
    ],
    ids=["lost", "doubled", "out of order", "garbled", "without a time", "empty"],
)
def test_a_wrong_token_is_noticed(wrong: list[str]) -> None:
    with pytest.raises(WrongStreamError):
        TokenReader(4).feed("".join(wrong), now=20)


@pytest.mark.parametrize("text", ["", "".join(TOKENS[:3]), "".join(TOKENS).rstrip()])
def test_an_answer_that_is_not_whole_is_noticed(text: str) -> None:
    reader = TokenReader(4)
    reader.feed(text, now=20)
    with pytest.raises(WrongStreamError):
        reader.finish()


def test_tokens_are_told_apart_by_when_they_were_sent_and_when_they_came() -> None:
    reader = TokenReader(4)
    reader.feed("".join(TOKENS[:3]), now=13)
    reader.feed(TOKENS[3], now=20)
    assert reader.between(11, 13) == [2, 1]
    assert reader.between(13, 99) == [7]
    assert reader.arrived(13, 14) == 3
    assert reader.arrived(14, 99) == 1
