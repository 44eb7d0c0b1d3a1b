"""`.env` is read as its writer means it; a line that cannot be is named by its number, never shown."""

import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.environment import Environment
from tests.harness.dotenv import load_settings


@pytest.fixture
def dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAME", "")  # restored at the end
    return tmp_path / ".env"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("NAME=value", "value"),
        ("export NAME=value", "value"),
        ("  NAME=value  \r", "value"),
        ("NAME= value", "value"),
        ("NAME='a value'", "a value"),
        ('NAME="a value" ', "a value"),
        ("NAME= 'a value'", "a value"),
        ('NAME="a \\"value\\""', 'a "value"'),
        ("NAME=$value", "$value"),
        ("NAME=v#2=", "v#2="),
        ("# a comment\n\n  # another\nNAME=value", "value"),
        ("NAME=first\nNAME=value", "value"),
        ("NAME=", "default"),
        ("NAME=''", "default"),
    ],
)
def test_a_line_is_what_its_writer_means(dotenv: Path, line: str, meant: str) -> None:
    dotenv.write_bytes(f"{line}\n".encode())
    assert Environment(dotenv).text("NAME", "default") == meant


@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_variable_of_the_environment_falls_back_to_the_file(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setenv("NAME", blank)
    dotenv.write_text("NAME=of-the-file\n")
    assert Environment(dotenv).text("NAME") == os.environ["NAME"] == "of-the-file"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"A=1\nNAME = hush\n", "line 2 is no NAME=value"),
        (b"NAME =hush\n", "line 1 is no NAME=value"),
        (b"# c\n\nNAME: hush\n", "line 3 is no NAME=value"),
        (b"hush\n", "line 1 is no NAME=value"),
        (b"set NAME=hush\n", "line 1 is no NAME=value"),
        (b"1NAME=hush\n", "line 1 is no NAME=value"),
        (b"=hush\n", "line 1 is no NAME=value"),
        (b"NAME=hush\0\n", "line 1 is no NAME=value"),
        (b"NAME='hush\n", "line 1 has a quote"),
        (b'NAME="hush" # a comment\n', "line 1 has a quote"),
        (b'NAME="\n', "line 1 has a quote"),
        (b"\xef\xbb\xbfNAME=hush\n", "line 1 begins with a byte order mark"),
        (b"A=1\nB=2\nNAME=hush\xff\n", "line 3 is no UTF-8"),
        ("NAME=hush\n".encode("utf-16"), "line 1 is no UTF-8"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_not_shown(dotenv: Path, content: bytes, said: str) -> None:
    dotenv.write_bytes(content)
    with pytest.raises(ImproperlyConfigured) as refusal:
        Environment(dotenv)
    assert str(refusal.value).startswith(f"{dotenv} cannot be read: {said}")
    assert "hush" not in str(refusal.value)
    assert os.environ["NAME"] == ""


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_a_regular_file_is_read(dotenv: Path, make: object) -> None:
    make(dotenv)  # type: ignore[operator]  # of two types
    with pytest.raises(ImproperlyConfigured, match="it is no regular file"):
        Environment(dotenv)


def test_settings_end_with_the_sentence(tmp_path: Path) -> None:
    done = load_settings(tmp_path, {}, "SECRET_KEY : hush\n")
    assert "line 1 is no NAME=value" in done.stderr.splitlines()[-1]
    assert "hush" not in done.stderr


def test_a_part_of_up_does_not_read_what_is_withheld_from_it(tmp_path: Path) -> None:
    environment = {"OPENAI_MODEL": "", "TAILRACE_IN_UP": "1"}
    done = load_settings(tmp_path, environment, "OPENAI_MODEL=withheld\n")
    assert done.returncode == 0, done.stderr
    assert "withheld" not in done.stdout
