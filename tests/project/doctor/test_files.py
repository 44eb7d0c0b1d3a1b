"""The check of the storage of files: written and left as it was, or a fault with its remedy."""

from pathlib import Path
from typing import Any

from django.core.files.storage import InMemoryStorage
from pytest_django import Settings

from project.doctor import files
from project.doctor.finding import State
from tests.project.doctor.looks import faults, states


class Forgetful(InMemoryStorage):
    """Returns another content."""

    def open(self, name: str, mode: str = "rb") -> Any:
        file = super().open(name, mode)
        file.read()
        return file


def use(settings: Settings, backend: str) -> None:
    settings.STORAGES = {**settings.STORAGES, "files": {"BACKEND": backend}}


def test_a_folder_is_written_and_left_as_it_was(folder: Path) -> None:
    folder.mkdir()
    (finding,) = files.examine()
    assert (finding.what, finding.state) == ("files", State.OK)
    assert finding.found == f"{folder} can be written; several hosts need a storage that they share"
    assert list(folder.iterdir()) == []


def test_a_folder_that_does_not_exist_is_not_made(folder: Path) -> None:
    assert states(files.examine()) == {"files": State.OK}
    assert not folder.exists()


def test_a_folder_that_is_none_is_an_error(folder: Path) -> None:
    folder.write_text("no folder")
    found = files.examine()
    assert faults(found) == {"files": State.ERROR}
    assert found[0].found == f"{folder} cannot be used (FileExistsError)"


def test_another_storage_is_written_and_not_suspected(settings: Settings) -> None:
    use(settings, "django.core.files.storage.InMemoryStorage")
    (finding,) = files.examine()
    assert (finding.state, finding.found) == (State.OK, "InMemoryStorage can be written")


def test_a_storage_that_keeps_no_content_is_an_error(settings: Settings) -> None:
    use(settings, f"{__name__}.Forgetful")
    found = files.examine()
    assert faults(found) == {"files": State.ERROR}
    assert found[0].found == "Forgetful returned another content"
