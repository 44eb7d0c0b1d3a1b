"""Run a PgBouncer in transaction mode for tests: the system's package, a temporary folder, a free port."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from project.up.ports import HOST
from tests.harness.postgres import OWNER, Server
from tests.harness.processes import Process, free_port
from tests.harness.skips import skip_without

SETTINGS = """
[databases]
{name} = host={host} port={server_port}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
"""


@contextmanager
def in_front_of(server: Server, size: int) -> Iterator[str]:
    """Run a PgBouncer with `size` connections to the server until the block ends; yield its DATABASE_URL."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        skip_without("PgBouncer")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        if OWNER:
            shutil.chown(folder, OWNER)
        places = {"host": HOST, "server_port": server.port, "port": port, "folder": folder, "size": size}
        (folder / "settings.ini").write_text(SETTINGS.format(name=server.name, **places))
        (folder / "users").write_text(f'"{server.name}" "{server.password}"\n')
        process = Process(folder / "pgbouncer.log", [program, str(folder / "settings.ini")], user=OWNER)
        url = server.url.replace(f":{server.port}/", f":{port}/")
        try:
            process.start().wait_until(lambda: _answers(url))
            yield url
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True
