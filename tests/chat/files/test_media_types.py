"""Media types are those of the content, in parts of any size; nothing is decompressed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.files.media_types import OTHER, Detector, agree
from tests.chat.contents import ACCEPTED, HTML, POLYGLOTS, REFUSED, SVG


def detected(content: bytes, size: int = 1_000_000) -> str:
    detector = Detector()
    for at in range(0, len(content), size):
        detector.feed(content[at : at + size])
    return detector.media_type()


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize("media_type", ACCEPTED)
def test_a_known_type_is_found_in_parts_of_any_size(media_type: str, size: int) -> None:
    assert detected(ACCEPTED[media_type], size) == media_type


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_of_no_type(content: bytes) -> None:
    assert detected(content) == OTHER


@pytest.mark.parametrize("content", [SVG, HTML], ids=["SVG", "HTML"])
def test_markup_is_text(content: bytes) -> None:
    assert detected(content) == "text/plain"


@pytest.mark.parametrize("content", POLYGLOTS.values(), ids=POLYGLOTS)
def test_a_polyglot_is_what_it_begins_with(content: bytes) -> None:
    assert detected(content) in set(ACCEPTED) - {"text/plain"}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])), st.integers(1, 9))
def test_any_text_is_text_however_it_is_cut(text: str, size: int) -> None:
    assert detected(f"- {text}\r\n\t\f".encode(), size) == "text/plain"


@pytest.mark.parametrize(
    ("declared", "found", "do"),
    [
        ("image/png", "image/png", True),
        ("image/png", "image/jpeg", True),  # a wrong suffix
        ("image/svg+xml", "text/plain", False),
        ("image/png", "application/pdf", False),
        ("IMAGE/PNG; x=y", "text/plain", False),
        ("application/pdf", "application/pdf", True),
        ("application/pdf", "text/plain", False),
        ("text/csv; charset=utf-8", "text/plain", True),
        ("text/plain", "image/gif", False),
        ("application/json", "text/plain", True),
        ("application/octet-stream", "image/png", True),
        ("", "application/pdf", True),
    ],
)
def test_a_declared_type_must_agree(declared: str, found: str, do: bool) -> None:
    assert agree(declared, found) is do
