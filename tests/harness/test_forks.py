"""A fork runs a program as a new interpreter does."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.forks import Fork, ForkServer, can_run
from tests.harness.processes import ROOT, Process, finished
from tests.harness.waiting import LEAST_SECS, deadline, wait_until

pytestmark = pytest.mark.slow

PROGRAM = """
import atexit, os, sys, threading, time
atexit.register(lambda: print("exit"))
print(sys.argv, __name__, os.getcwd(), sorted(os.environ), os.getsid(0) == os.getpid(), "chat" in sys.modules)
print("trouble", file=sys.stderr)
threading.Timer(0.1, lambda: print("thread")).start()
sys.exit({code})
"""


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.close()


def program(folder: Path, code: str) -> None:
    (folder / "program.py").write_text(PROGRAM.format(code=code))


def ran(forks: ForkServer, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return forks.finished(
        (sys.executable, "-m", "program", *arguments), {"COLOUR": "red"}, folder, deadline()
    )


def test_it_has_its_own_arguments_folder_environment_and_session(forks: ForkServer, tmp_path: Path) -> None:
    program(tmp_path, "0")
    done = ran(forks, tmp_path, "--loud")
    first, *rest = done.stdout.splitlines()
    assert first == f"{[str(tmp_path / 'program.py'), '--loud']} __main__ {tmp_path} ['COLOUR'] True False"
    assert rest == ["thread", "exit"]  # in an interpreter's order
    assert (done.stderr, done.returncode) == ("trouble\n", 0)


@pytest.mark.parametrize(("code", "expected"), [("3", 3), ("'words'", 1), ("None", 0)])
def test_its_exit_code_is_reported(forks: ForkServer, tmp_path: Path, code: str, expected: int) -> None:
    program(tmp_path, code)
    done = ran(forks, tmp_path)
    assert done.returncode == expected
    assert ("words" in done.stderr) == ("words" in code)


def test_an_exception_ends_it_with_a_traceback(forks: ForkServer, tmp_path: Path) -> None:
    program(tmp_path, "1 / 0")
    done = ran(forks, tmp_path)
    assert "ZeroDivisionError" in done.stderr
    assert done.returncode == 1


def test_its_modules_are_found_where_pythonpath_says(forks: ForkServer, tmp_path: Path) -> None:
    program(tmp_path, "0")
    other = tmp_path / "other"
    other.mkdir()
    env = {"PYTHONPATH": f"/nowhere{os.pathsep}{tmp_path}"}
    done = forks.finished((sys.executable, "-m", "program"), env, other, deadline())
    assert (done.stderr, done.returncode) == ("trouble\n", 0)


def test_code_is_run_as_a_program(forks: ForkServer, tmp_path: Path) -> None:
    code = "import sys; print(sys.argv, sys.path[0] == '', __name__, sys.modules['__main__'].code); 1 / 0"
    done = forks.finished((sys.executable, "-c", f"code = 5; {code}", "more"), {}, tmp_path, deadline())
    assert done.stdout == "['-c', 'more'] True __main__ 5\n"
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert done.returncode == 1


OWN_MODULES = """
import os, sys, chat
from django.conf import settings
others = [name for name in ("chat.models", "twisted.internet.reactor") if name in sys.modules]
print(settings.configured, others, chat.__file__, os.environ.get("DJANGO_SETTINGS_MODULE"))
"""


def test_our_modules_are_there_before_settings_and_reactor(forks: ForkServer, tmp_path: Path) -> None:
    (tmp_path / "chat.py").touch()
    for folder, file, module in (
        (ROOT, ROOT / "chat" / "__init__.py", "project.settings"),  # by default
        (tmp_path, tmp_path / "chat.py", None),
    ):
        done = forks.finished((sys.executable, "-c", OWN_MODULES), {}, folder, deadline())
        assert done.stdout == f"False [] {file} {module}\n", done.stderr


def test_a_new_interpreter_runs_where_it_matters() -> None:
    code = "import sys; print('django' in sys.modules)"
    assert finished(sys.executable, "-c", code).stdout == "True\n"
    assert finished(sys.executable, "-c", code, fresh=True).stdout == "False\n"


def test_a_signal_ends_it_and_is_its_code(forks: ForkServer, tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text("import signal; print('ready'); signal.pause()")
    with (tmp_path / "output").open("w") as output:
        both = (output.fileno(), output.fileno())
        fork = forks.start((sys.executable, "-m", "waiting"), {}, tmp_path, both)
    wait_until(lambda: (tmp_path / "output").read_text() == "ready\n", LEAST_SECS, "it is ready")
    assert fork.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        fork.wait(0)
    fork.send_signal(signal.SIGTERM)
    assert fork.wait(deadline()) == -signal.SIGTERM
    fork.send_signal(signal.SIGTERM)  # nothing


def parent_of(forks: ForkServer, folder: Path) -> int:
    return int(
        forks.finished(
            (sys.executable, "-c", "import os; print(os.getppid())"), {}, folder, deadline()
        ).stdout
    )


def test_clients_with_one_place_share_a_server_until_the_last_closes(tmp_path: Path) -> None:
    first, second = (ForkServer(place=tmp_path / "forks") for _ in range(2))
    server = parent_of(first, tmp_path)
    assert parent_of(second, tmp_path) == server
    second.close()
    assert parent_of(second, tmp_path) == server
    closing = threading.Thread(target=first.close)  # waits for the server, which it has started
    closing.start()
    assert parent_of(second, tmp_path) == server
    second.close()
    closing.join(deadline())
    assert not closing.is_alive()
    assert parent_of(second, tmp_path) != server  # another
    second.close()


def test_programs_of_a_process_are_forks(tmp_path: Path) -> None:
    process = Process(tmp_path / "log", (sys.executable, "manage.py", "version"), dict(os.environ)).start()
    assert isinstance(process.popen, Fork)
    process.popen.wait(deadline())
    other = Process(tmp_path / "log", (sys.executable, "-I", "-c", "pass")).start()
    assert not isinstance(other.popen, Fork)
    assert other.popen.wait(deadline()) == 0


def test_a_script_of_the_environment_is_a_program(forks: ForkServer, tmp_path: Path) -> None:
    command = (sys.executable, str(Path(sys.executable).with_name("celery")), "--version")
    new = subprocess.run(command[1:], capture_output=True, text=True, check=True)
    fork = forks.finished(command, None, tmp_path, deadline())
    assert (fork.returncode, fork.stdout, fork.stderr) == (0, new.stdout, new.stderr)


def test_options_of_the_interpreter_need_a_new_one() -> None:
    python = sys.executable
    assert can_run((python, "-m", "celery"), {"PYTHONUNBUFFERED": "1"})
    assert can_run((python, "manage.py", "up"), None)
    assert can_run((python, str(Path(python).with_name("celery")), "worker"), None)
    assert can_run((python, "-m", "celery"), {"PYTHONPATH": "/elsewhere"})
    assert not can_run((python, "-m", "celery"), {"PYTHONHASHSEED": "1"})
    assert can_run((python, "-c", "pass"), None)
    assert not can_run((python, "-I", "-c", "pass"), None)
    assert not can_run(("sh", "-m", "celery"), None)
