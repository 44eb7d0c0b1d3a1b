import json
import os
from pathlib import Path

import pytest

from project.up import lock, running
from project.up.errors import DataDirError
from project.up.running import FILE_NAME, VARIABLES
from tests.harness import dotenv

ENV = {"REDIS_URL": "redis://:secret@here", "GROQ_KEY": "g", "PATH": "/bin"}


def test_the_variables_are_those_of_the_settings() -> None:
    assert {*VARIABLES} == {*dotenv.read_by_settings(), "OPENAI_API_KEY"} - {"LOG_LEVEL"}


def test_a_running_up_is_found_until_it_ends(tmp_path: Path) -> None:
    with lock.held(tmp_path), running.recorded(tmp_path, ENV, frozenset({"GROQ_KEY"})):
        expected = {**dict.fromkeys(VARIABLES), "REDIS_URL": "redis://:secret@here", "GROQ_KEY": "g"}
        assert running.variables_of(tmp_path) == expected
    assert [path.name for path in tmp_path.iterdir()] == [lock.LOCK_NAME]


def test_the_file_is_private_also_where_another_was(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    (tmp_path / "theirs").write_text("theirs")
    file.symlink_to(tmp_path / "theirs")
    with running.recorded(tmp_path, ENV):
        assert not file.is_symlink()
        assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_the_file_of_a_killed_up_is_ignored(tmp_path: Path) -> None:
    with running.recorded(tmp_path, ENV):
        assert running.variables_of(tmp_path) is None


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_no_secret(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()  # not replaceable by a file
    with pytest.raises(DataDirError, match=rf"{FILE_NAME} cannot be written .*--data-dir"):
        running.recorded(tmp_path, ENV).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.touch(0o600)
    theirs.write_text("{}")
    (tmp_path / FILE_NAME).symlink_to(theirs)
    with lock.held(tmp_path):
        assert running.variables_of(tmp_path) is None
        theirs.rename(tmp_path / FILE_NAME)
        assert running.variables_of(tmp_path) == {}


def test_a_key_with_an_impossible_name_is_not_recorded(tmp_path: Path) -> None:
    with lock.held(tmp_path), running.recorded(tmp_path, ENV, frozenset({"groq_key", "A=B"})):
        assert running.variables_of(tmp_path) == dict.fromkeys((*VARIABLES, "groq_key")) | {
            "REDIS_URL": ENV["REDIS_URL"]
        }


@pytest.mark.parametrize("text", ["", "{", "[]", '{"A": 1}', '{"A=B": ""}', None])
def test_an_up_without_a_readable_file_is_not_found(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / FILE_NAME).touch(0o600)
        (tmp_path / FILE_NAME).write_text(text)
    with lock.held(tmp_path):
        assert running.variables_of(tmp_path) is None


def test_a_file_that_is_not_private_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock.held(tmp_path), running.recorded(tmp_path, ENV):
        (tmp_path / FILE_NAME).chmod(0o640)
        assert running.variables_of(tmp_path) is None
        (tmp_path / FILE_NAME).chmod(0o600)
        assert json.loads((tmp_path / FILE_NAME).read_text()) == running.variables_of(tmp_path)
        other = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: other)
        assert running.variables_of(tmp_path) is None
