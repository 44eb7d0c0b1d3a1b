"""A file's name is never a path and forges nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.files.names import MAX_CHARS, clean


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("depths.txt", "depths.txt"),
        ("Tiefe in Metern (≈).pdf", "Tiefe in Metern (≈).pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\depths\\two.png", "two.png"),
        ("/", "file"),
        ("..", "file"),
        ("", "file"),
        ("  ", "file"),
        ('a"\r\nSet-Cookie: x=1\r\n\r\n<script>.png', 'a"Set-Cookie: x=1<script>.png'),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("nul\x00.png", "nul.png"),
        ("half\ud800.png", "half.png"),
    ],
)
def test_a_hostile_name_is_cleaned(name: str, kept: str) -> None:
    assert clean(name) == kept


def test_a_long_name_keeps_its_suffix() -> None:
    assert clean("a" * 1_000 + ".png") == "a" * (MAX_CHARS - 4) + ".png"
    assert clean("a." + "b" * 1_000) == ("a." + "b" * 1_000)[:MAX_CHARS]


@given(st.text())
def test_any_name_is_one_short_visible_line(name: str) -> None:
    found = clean(name)
    assert 0 < len(found) <= MAX_CHARS
    assert found.isprintable() or any(char.isspace() for char in found)
    assert not set(found) & set("/\\\r\n\x00")
    assert clean(found) == found
