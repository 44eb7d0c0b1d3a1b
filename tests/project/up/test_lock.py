import fcntl
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from project.up import lock
from project.up.errors import DataDirError

HOLDER = """
import pathlib, sys
from project.up import lock
with lock.held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_up_on_the_same_data_fails_with_the_process_that_has_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataDirError, match=rf"process {holder.pid}\) uses {tmp_path}.*--data-dir"):
            lock.held(tmp_path).__enter__()
        holder.kill()
    with lock.held(tmp_path):  # the lock of a killed process is released
        pass


def test_a_missing_directory_is_created(tmp_path: Path) -> None:
    with lock.held(tmp_path / "new" / "deep"):
        assert (tmp_path / "new" / "deep").is_dir()


def test_the_directory_is_private_also_if_it_was_open_to_others(tmp_path: Path) -> None:
    new, empty = tmp_path / "new", tmp_path / "empty"
    empty.mkdir()
    empty.chmod(0o755)
    with lock.held(new), lock.held(empty):
        assert [path.stat().st_mode & 0o777 for path in (new, empty)] == [0o700, 0o700]


def test_a_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    assert not lock.is_held(tmp_path)
    with lock.held(tmp_path):
        assert lock.is_held(tmp_path)
    assert not lock.is_held(tmp_path)


def test_an_up_that_starts_during_a_check_of_the_lock_waits_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / lock.LOCK_NAME).open("w") as check:
        fcntl.flock(check, fcntl.LOCK_SH)
        waits = []

        def end_check(seconds: float) -> None:
            waits.append(seconds)
            fcntl.flock(check, fcntl.LOCK_UN)

        monkeypatch.setattr(lock, "sleep", end_check)
        with lock.held(tmp_path):
            assert waits == [lock.RETRY_SECS]


def test_a_directory_that_cannot_be_created_is_named_with_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirError, match=r"file/data cannot be written .*--data-dir"):
        lock.held(tmp_path / "file" / "data").__enter__()


def test_a_directory_of_all_users_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(DataDirError, match=r"is not yours alone.*--data-dir"):
        lock.held(tmp_path).__enter__()
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777
