"""Start Python programs as forks of a process that has imported their libraries.

A worker's imports take three seconds of CPU, and the suite starts some two hundred programs. Libraries only:
the program imports our own code itself, with its own environment, as it would otherwise.
"""

import gc
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

# they need no settings of Django, and start no thread and no event loop
LIBRARIES = (
    "django.conf.urls.static",
    "django.contrib.auth.hashers",
    "django.core.management",
    "django.test.utils",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "openai",
    "openai.types.chat",
    "openai.types.responses",
    "aiohttp",
    "psycopg_pool",
    "channels.layers",
    "channels.routing",
    "channels_redis.pubsub",
    "whitenoise.middleware",
    "autobahn.twisted.websocket",
    "twisted.web.http",
    "twisted.protocols.tls",
    "environ",
)
# a fork writes line by line, compiles few modules, and looks for its modules in PYTHONPATH
KNOWN = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}
MAX_REQUEST_BYTES = 200_000
MAX_OUTPUT_BYTES = 100_000_000
MAX_DESCRIPTORS = 4096
STATUS = b"%20d"  # a process id, then an exit code
LOST = 255  # the exit code of a program whose server has ended
AVAILABLE = hasattr(os, "pidfd_open")


def can_run(command: Sequence[str], env: Mapping[str, str] | None) -> bool:
    """Whether a fork runs this command as a new interpreter would: a module or a script, without options."""
    python, *rest = command
    is_program = (len(rest) > 1 and rest[0] == "-m") or rest[:1] == ["manage.py"]
    options = {name for name in (env or {}) if name.startswith("PYTHON")} - KNOWN
    return AVAILABLE and python == sys.executable and is_program and not options


class ForkServer:
    """The client's side. `libraries`: what its programs import beside LIBRARIES."""

    def __init__(self, *libraries: str) -> None:
        self._libraries = libraries
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None,
        cwd: Path,
        outputs: tuple[int, int],
    ) -> "Fork":
        """Start a program in its own session; `outputs`: descriptors of its standard output and error."""
        request = {"arguments": command[1:], "env": dict(os.environ if env is None else env), "cwd": str(cwd)}
        reading, writing = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._connection(), [json.dumps(request).encode()], [*outputs, writing])
        finally:
            os.close(writing)
        return Fork(reading)

    def finished(
        self, command: Sequence[str], env: Mapping[str, str] | None, cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end. Raises subprocess.TimeoutExpired, after a SIGKILL."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            fork = self.start(command, env, cwd, (output.fileno(), errors.fileno()))
            try:
                code = fork.wait(timeout)
            except subprocess.TimeoutExpired:
                fork.kill()
                raise
            texts = [os.pread(file.fileno(), MAX_OUTPUT_BYTES, 0).decode() for file in (output, errors)]
        return subprocess.CompletedProcess(command, code, *texts)

    def close(self) -> None:
        """End the server; programs continue."""
        if self._socket and self._server:
            self._socket.close()
            self._server.wait()
        self._socket = None

    def _connection(self) -> socket.socket:
        if self._socket is None:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-m", __name__, str(theirs.fileno()), *self._libraries]
            root = Path(__file__).resolve().parents[2]
            self._server = subprocess.Popen(
                command,
                cwd=root,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            theirs.close()
        return self._socket


class Fork:
    """A running program, with the part of `subprocess.Popen` that the tests use."""

    def __init__(self, status: int) -> None:
        self._status = status
        self._lock = threading.Lock()
        self.pid = int(os.read(status, len(STATUS % 0)))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None: it runs."""
        return self._read(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises subprocess.TimeoutExpired."""
        code = self._read(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, how: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, how)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _read(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
                self.returncode = int(os.read(self._status, len(STATUS % 0)) or LOST)
                os.close(self._status)
            return self.returncode


class Request(NamedTuple):
    """A program to start, as received."""

    arguments: list[str]
    env: dict[str, str]
    cwd: str
    descriptors: list[int]  # standard output, standard error, status


def serve(connection: socket.socket) -> None:
    """Fork for each request, and report the exit codes, until the client ends. A fork returns at its end."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data:
                    selector.unregister(key.fileobj)
                    key.data()
                    continue
                request = _received(connection)
                if request is None:
                    return
                pid = os.fork()
                if pid == 0:
                    _run(request)
                    return
                selector.register(*_started(pid, request))


def _received(connection: socket.socket) -> Request | None:
    """None: the client has ended."""
    message, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, 3)
    return Request(**json.loads(message), descriptors=descriptors) if message else None


def _started(pid: int, request: Request) -> tuple[int, int, Callable[[], None]]:
    """Report its id; return what to select, and what to call when it has ended."""
    *outputs, status = request.descriptors
    for each in outputs:
        os.close(each)
    os.write(status, STATUS % pid)
    handle = os.pidfd_open(pid)

    def ended() -> None:
        _, code = os.waitpid(pid, 0)
        with suppress(BrokenPipeError):  # the client has closed it
            os.write(status, STATUS % os.waitstatus_to_exitcode(code))
        os.close(status)
        os.close(handle)

    return handle, selectors.EVENT_READ, ended


def _run(request: Request) -> None:
    """Become the program: its session, folder, environment, output, arguments."""
    os.setsid()
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env)
    for target, source in enumerate(request.descriptors[:2], start=1):
        os.dup2(source, target)
    os.closerange(3, MAX_DESCRIPTORS)
    sys.stdout, sys.stderr = (os.fdopen(at, "w", buffering=1) for at in (1, 2))
    sys.path[1:1] = filter(None, request.env.get("PYTHONPATH", "").split(os.pathsep))
    if request.arguments[0] == "-m":
        _, module, *rest = request.arguments
        sys.argv, sys.path[0] = [module, *rest], request.cwd
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        script = request.arguments[0]
        sys.argv, sys.path[0] = request.arguments, str(Path(script).resolve().parent)
        runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    for library in (*LIBRARIES, *sys.argv[2:]):
        import_module(library)
    gc.collect()
    gc.freeze()  # forks share it
    serve(socket.socket(fileno=int(sys.argv[1])))
