"""Run a PostgreSQL server for tests: the system's package, a temporary folder, a free port."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from project.up.ports import HOST
from tests.harness.processes import Process, finished, free_port, run
from tests.harness.skips import skip_without

OWNER = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
PROGRAMS = ("initdb", "postgres", "pg_isready", "createdb", "psql")
SUPERUSER = "postgres"  # of a server whose database a script creates


@dataclass(frozen=True)
class Server:
    """A running server, with one database of one user."""

    port: int
    bin_dir: Path
    name: str  # of the user and of the database
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """The value for DATABASE_URL."""
        return f"postgres://{self.name}:{self.password}@{HOST}:{self.port}/{self.name}"


def find_bin_dir() -> Path:
    """Return the folder of a server's programs; skip the test without one."""
    found = packaged_bin_dir()
    if found is None:
        skip_without(f"PostgreSQL ({', '.join(PROGRAMS)})")
    return found


def packaged_bin_dir() -> Path | None:
    """Return the folder of a server's programs, the newest that is packaged."""
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(packaged, key=lambda path: float(path.parent.name), reverse=True)
    on_path = [Path(found).resolve().parent for found in [shutil.which(PROGRAMS[0])] if found]
    complete = (
        folder for folder in [*newest_first, *on_path] if all((folder / name).exists() for name in PROGRAMS)
    )
    return next(complete, None)


@contextmanager
def running(name: str, password: str, script: Path | None = None) -> Iterator[Server]:
    """Run a server with the database `name` of the user `name`, until the block ends.

    The script of SQL creates both, as in the image: else the user is the superuser.
    """
    server = Server(free_port(), find_bin_dir(), name, password)
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        if OWNER:
            shutil.chown(folder, OWNER)
        superuser = SUPERUSER if script else name
        create_cluster(server, Path(folder), superuser)
        with started(server, Path(folder)):
            address = (f"--host={folder}", f"--port={server.port}", f"--username={superuser}")
            if script is None:
                run_program(server, "createdb", *address, name)
            else:
                run_script(server, script, *address)
            yield server


def run_script(server: Server, script: Path, *address: str) -> None:
    """Run SQL as the image does at its first start."""
    run_program(
        server,
        "psql",
        *address,
        "--no-psqlrc",
        "--set=ON_ERROR_STOP=1",
        SUPERUSER,
        input=script.read_text(),
        env={"POSTGRES_PASSWORD": server.password},
    )


def create_cluster(server: Server, folder: Path, superuser: str = "") -> None:
    """Create the files of the server; over TCP it requires the password."""
    secret = folder / "password"
    secret.write_text(server.password)
    secret.chmod(0o644)  # its folder is not accessible to others
    run_program(
        server,
        "initdb",
        f"--pgdata={folder / 'data'}",
        f"--username={superuser or server.name}",
        f"--pwfile={secret}",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
    )


@contextmanager
def started(server: Server, folder: Path) -> Iterator[None]:
    """Run the server on loopback until the block ends; without fsync, as its data is not needed later."""
    process = Process(folder / "postgres.log", command(server, folder), cwd=folder, user=OWNER).start()
    try:
        process.wait_until(lambda: is_ready(server))
        yield
    finally:
        process.stop(signal.SIGINT)  # ends its clients' sessions; SIGTERM waits for them


def command(server: Server, folder: Path) -> list[str]:
    """Return the server's command."""
    options = ["-D", str(folder / "data"), "-p", str(server.port), "-k", str(folder), "-h", HOST, "-F"]
    return [str(server.bin_dir / "postgres"), *options]


def is_ready(server: Server) -> bool:
    """Whether the server takes connections."""
    command = (str(server.bin_dir / "pg_isready"), f"--host={HOST}", f"--port={server.port}", "--quiet")
    return finished(*command).returncode == 0


def run_program(server: Server, program: str, *arguments: str, **options: Any) -> None:
    """Run one of the server's programs as its owner."""
    run(str(server.bin_dir / program), *arguments, user=OWNER, cwd="/", **options)
