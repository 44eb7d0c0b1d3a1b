"""Start Python programs as forks of a shared server, `fork_server`."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from tests.harness import fork_server

# a fork writes line by line, compiles few modules, and looks for its modules in PYTHONPATH
KNOWN = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}
MAX_OUTPUT_BYTES = 100_000_000
LOST = 255  # the exit code of a program whose server has ended
AVAILABLE = hasattr(os, "pidfd_open")


def can_run(command: Sequence[str], env: Mapping[str, str] | None) -> bool:
    """Whether a fork runs this command as a new interpreter would: module, script or code without options."""
    python, *rest = command
    is_script = rest[:1] == ["manage.py"] or (bool(rest) and Path(rest[0]).parent == Path(python).parent)
    is_program = (len(rest) > 1 and rest[0] in ("-m", "-c")) or is_script
    options = {name for name in (env or {}) if name.startswith("PYTHON")} - KNOWN
    return AVAILABLE and python == sys.executable and is_program and not options


class ForkServer:
    """The client's side. `libraries`: what its programs import beside LIBRARIES.

    Clients with the same `place`, the address of a Unix socket, share the server that the first one starts.
    """

    def __init__(self, *libraries: str, place: Path | None = None) -> None:
        self._libraries = libraries
        self._folder = tempfile.TemporaryDirectory()
        self._place = place or Path(self._folder.name) / "forks"
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
        """End the server, once all its clients have closed; programs continue."""
        if self._socket:
            self._socket.close()
        if self._server:
            self._server.wait()
        self._socket = self._server = None
        self._folder.cleanup()

    def _connection(self) -> socket.socket:
        if self._socket is None:
            self._socket = self._joined()
        return self._socket

    def _joined(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with FileLock(f"{self._place}.lock"):
            try:
                connection.connect(str(self._place))
            except OSError:  # none has been started, or it has ended
                self._start_server()
                connection.connect(str(self._place))
        return connection

    def _start_server(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            self._place.unlink(missing_ok=True)
            listener.bind(str(self._place))
            listener.listen()
            listener.set_inheritable(True)
            command = [
                sys.executable,
                "-m",
                fork_server.__name__,
                str(listener.fileno()),
                str(self._place),
                *self._libraries,
            ]
            self._server = subprocess.Popen(
                command,
                cwd=fork_server.ROOT,
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )


class Fork:
    """A running program, with the part of `subprocess.Popen` that the tests use."""

    def __init__(self, status: int) -> None:
        self._status = status
        self._lock = threading.Lock()
        self.pid = int(os.read(status, len(fork_server.STATUS % 0)))
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
                self.returncode = int(os.read(self._status, len(fork_server.STATUS % 0)) or LOST)
                os.close(self._status)
            return self.returncode
