"""Long texts are held once, and only while one is in use."""

from chat.streaming.long_texts import _texts, shared


def long(letter: str) -> str:
    return letter * 100_000


def test_equal_texts_are_one_and_others_are_not() -> None:
    first = shared(long("a"))
    assert shared(long("a")) is first
    assert first == long("a")
    assert shared(long("b")) == long("b")


def test_a_text_of_the_same_hash_is_not_taken_for_it() -> None:
    first = shared(long("a"))
    _texts[hash(long("b"))] = _texts[hash(first)]
    assert shared(long("b")) == long("b")


def test_a_text_that_no_client_waits_for_is_forgotten() -> None:
    text = shared(long("c"))
    key = hash(text)
    assert key in _texts
    del text
    assert key not in _texts
