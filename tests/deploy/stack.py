"""Run the commands, environments and health checks of `docker compose up` without Docker.

The image is a folder with the files that the Dockerfile copies; the names `redis` and `postgres` and the
containers' ports are loopback ports.
"""

import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

from project.up import valkey
from project.up.ports import HOST
from tests.deploy import compose, dockerfile
from tests.deploy.compose import Service
from tests.harness import postgres
from tests.harness.processes import ROOT, Process, finished, free_port, run
from tests.harness.stack import answers as page_answers
from tests.harness.valkey import answers

IMAGE = dockerfile.stages()[-1]
SERVICES = compose.services()


@dataclass(frozen=True)
class Stack:
    """A running stack in its folder."""

    folder: Path
    database: postgres.Server
    variables: Mapping[str, str]  # the contents of .env
    ports: Mapping[str, int]  # of redis, web, flower and the worker's health
    built: dict[Path, int] = field(default_factory=dict)  # the image's files and when each was written

    @property
    def app(self) -> Path:
        """The image's folder."""
        return self.folder / "app"

    @property
    def files(self) -> dict[Path, int]:
        """Return the files in the image's folder and when each was written; compiled modules do not count."""
        paths = (path for path in self.app.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return {path: path.stat().st_mtime_ns for path in paths}

    def here(self, text: str) -> str:
        """Return a text of the files as it is right on this machine."""
        local = {
            r"@postgres:5432\b": f"@{HOST}:{self.database.port}",
            r"@redis:6379\b": f"@{HOST}:{self.ports['redis']}",
            r"\b8000\b": str(self.ports["web"]),
            r"\b5555\b": str(self.ports["flower"]),
            r"\b9464\b": str(self.ports["worker"]),
            r"\b0\.0\.0\.0\b": HOST,
            r"^/data\b": str(self.folder / "data"),
            r"/venv/bin\b": str(Path(sys.executable).parent),
        }
        for pattern, replacement in local.items():
            text = re.sub(pattern, replacement, text)
        return text

    def environment(self, service: Service | None = None) -> dict[str, str]:
        """Return what a process of the image sees, or a process of a service."""
        given = IMAGE.environment | (service.environment(self.variables) if service else {})
        given["PATH"] = f"{given['PATH'].removesuffix('$PATH')}{self.database.bin_dir}:{os.environ['PATH']}"
        of_docker = {
            "HOSTNAME": socket.gethostname(),
            "HOME": str(self.folder),
            "PGPORT": str(self.database.port),
            "TAILRACE_HEALTH_PORT": str(self.ports["worker"]),
        }
        return {name: self.here(value) for name, value in given.items()} | of_docker

    def command(self, service: Service) -> list[str]:
        """Return the command of a service."""
        return [self.here(word) for word in service.command(IMAGE.command, self.variables)]

    def run(self, command: list[str], service: str = "web", **more: str) -> CompletedProcess[str]:
        """Run a command to its end, as `docker compose run` with this service would."""
        env = self.environment(SERVICES[service]) | more
        return finished(*interpreted(command, env), cwd=self.app, env=env)

    def is_healthy(self, name: str) -> bool:
        """Run the health check of a service; as no fork, of which this process has no figures."""
        command = [self.here(word) for word in SERVICES[name].health_command(self.variables)]
        return finished(*command, cwd=self.app, env=self.environment(SERVICES[name])).returncode == 0

    @contextmanager
    def start(self, name: str, command: list[str] | None = None) -> Iterator[Process]:
        """Run a service until the block ends; then it must end within its time."""
        service = SERVICES[name]
        env = self.environment(service)
        command = interpreted(command or self.command(service), env)
        process = Process(self.folder / f"{name}.log", command, env, self.app).start()
        try:
            yield process
        finally:
            assert process.stop(secs=service.stop_secs) == 0, process.tail()


def interpreted(command: list[str], env: Mapping[str, str]) -> list[str]:
    """Return the command with the interpreter and the script that its PATH leads to: a fork can run those."""
    name, *rest = command
    path = shutil.which(name, path=env["PATH"])
    if path is None or Path(path).parent != Path(sys.executable).parent:
        return command
    return [sys.executable, *([] if name == "python" else [path]), *rest]


def build_image(stack: Stack) -> None:
    """Make the image's folder: copy what the Dockerfile copies, collect the static files as it does."""
    for source, target in IMAGE.copied.items():
        copy(ROOT / source, stack.app / target)
    [collect] = [rest for rest in IMAGE.all("RUN") if "collectstatic" in rest]
    run("sh", "-c", collect, cwd=stack.app, env=stack.environment())
    stack.built.update(stack.files)


def copy(source: Path, target: Path) -> None:
    """Copy a file into a folder, or a folder without what .dockerignore leaves out."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def redis_command(stack: Stack) -> list[str]:
    """Return the command of the redis service, with the binary, the port and the folder of here."""
    *shell, script = SERVICES["redis"].command([], stack.variables)
    data = stack.folder / "redis"
    data.mkdir()
    here = f"{valkey.binary()} --port {stack.ports['redis']} --bind {HOST} --dir {data}"
    return [*shell, script.replace("valkey-server", here)]


@contextmanager
def up(folder: Path, variables: Mapping[str, str]) -> Iterator[Stack]:
    """Bring the whole file up, in the order that it asks for; take it down with the block."""
    own_ports = {name: free_port() for name in ("redis", "web", "flower", "worker")}
    variables = {**variables, "PORT": str(own_ports["web"])}
    with ExitStack() as stopping:
        script = ROOT / "project/postgres/create.sql"
        database = stopping.enter_context(
            postgres.running("tailrace", variables["POSTGRES_PASSWORD"], script)
        )
        stack = Stack(folder, database, variables, own_ports)
        build_image(stack)
        redis = stopping.enter_context(stack.start("redis", redis_command(stack)))
        redis.wait_until(
            lambda: answers(valkey.url(own_ports["redis"], variables["REDIS_PASSWORD"]))
        )  # its own check needs redis-cli
        migrated = stack.run(stack.command(SERVICES["migrate"]))
        assert migrated.returncode == 0, migrated.stderr
        assert stack.is_healthy("postgres")
        started = {name: stopping.enter_context(stack.start(name)) for name in ("web", "worker", "flower")}
        for name, process in started.items():
            process.wait_until(partial(stack.is_healthy, name))
        ready = f"http://{HOST}:{own_ports['web']}/readyz"  # a worker is healthy before it takes tasks
        started["worker"].wait_until(partial(page_answers, ready))
        yield stack
