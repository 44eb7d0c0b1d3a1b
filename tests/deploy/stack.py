"""Run the commands, environments and health checks of `docker compose up` without Docker.

The image is a folder with the files that the Dockerfile copies; the names `redis` and `postgres` and the
containers' ports are loopback ports.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from project.up import ports, valkey
from project.up.ports import HOST
from tests.deploy import compose, dockerfile
from tests.deploy.compose import Service
from tests.harness import postgres
from tests.harness.waiting import wait_until

IMAGE = dockerfile.stages()[-1]
SERVICES = compose.services()
HEALTHY_SECS = 60
HEALTH_CHECK_SECS = 20


@dataclass(frozen=True)
class Stack:
    """A running stack in its folder."""

    folder: Path
    database: postgres.Server
    variables: Mapping[str, str]  # the contents of .env
    ports: Mapping[str, int]  # of redis, web and flower
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    built: dict[Path, int] = field(
        default_factory=dict
    )  # the image's files and their times, as they were built

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
            r"//redis:6379\b": f"//{HOST}:{self.ports['redis']}",
            r"\b8000\b": str(self.ports["web"]),
            r"\b5555\b": str(self.ports["flower"]),
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
        }
        return {name: self.here(value) for name, value in given.items()} | of_docker

    def command(self, service: Service) -> list[str]:
        """Return the command of a service."""
        return [self.here(word) for word in service.command(IMAGE.command, self.variables)]

    def run(self, command: list[str], service: str = "web", **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as `docker compose run` with this service would."""
        environment = self.environment(SERVICES[service]) | more
        return subprocess.run(
            command, cwd=self.app, env=environment, capture_output=True, text=True, check=False
        )

    def is_healthy(self, name: str) -> bool:
        """Run the health check of a service."""
        service = SERVICES[name]
        command = [self.here(word) for word in service.health_command(self.variables)]
        environment = self.environment(service)
        check = subprocess.run(
            command,
            cwd=self.app,
            env=environment,
            capture_output=True,
            timeout=HEALTH_CHECK_SECS,
            check=False,
        )
        return check.returncode == 0

    def log(self, name: str) -> str:
        """Return what a service wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait_until_healthy(self, name: str) -> None:
        """Wait for the health check of a service; fail with its log when it ends before or takes too long."""

        def is_settled() -> bool:
            process = self.processes.get(name)
            return (process is not None and process.poll() is not None) or self.is_healthy(name)

        try:
            wait_until(is_settled, HEALTHY_SECS, f"{name} is healthy")
        except AssertionError as error:
            raise AssertionError(self.log(name)) from error
        process = self.processes.get(name)
        assert process is None or process.poll() is None, self.log(name)

    @contextmanager
    def start(self, name: str, command: list[str] | None = None) -> Iterator[None]:
        """Run a service until the block ends; then it must end within its time."""
        service = SERVICES[name]
        log = (self.folder / f"{name}.log").open("wb")
        with (
            log,
            subprocess.Popen(
                command or self.command(service),
                cwd=self.app,
                env=self.environment(service),
                stdout=log,
                stderr=log,
            ) as process,
        ):
            self.processes[name] = process
            try:
                yield
            finally:
                process.terminate()
                end(process, service.stop_secs)


def end(process: subprocess.Popen[bytes], stop_secs: float) -> None:
    """Wait for the orderly end of a process; kill it and fail when it takes longer than Compose gives it."""
    try:
        assert process.wait(stop_secs) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def build_image(stack: Stack) -> None:
    """Make the image's folder: copy what the Dockerfile copies, collect the static files as it does."""
    for source, target in IMAGE.copied.items():
        copy(dockerfile.ROOT / source, stack.app / target)
    [collect] = [rest for rest in IMAGE.all("RUN") if "collectstatic" in rest]
    done = subprocess.run(
        ["sh", "-c", collect],
        cwd=stack.app,
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
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
    _, *options = SERVICES["redis"].command([], stack.variables)
    data = stack.folder / "redis"
    data.mkdir()
    place = ["--port", str(stack.ports["redis"]), "--bind", HOST, "--dir", str(data)]
    return [str(valkey.binary()), *options, *place]


def redis_answers(port: int) -> bool:
    """Whether Redis answers: its own health check needs a client program that may not be installed."""
    with redis.Redis(host=HOST, port=port) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def up(folder: Path, variables: Mapping[str, str]) -> Iterator[Stack]:
    """Bring the whole file up, in the order that it asks for; take it down with the block."""
    free = [ports.pick_free() for _ in range(3)]
    own_ports = dict(zip(("redis", "web", "flower"), free, strict=True))
    variables = {**variables, "PORT": str(own_ports["web"])}
    with ExitStack() as stopping:
        database = stopping.enter_context(postgres.running("tailrace", variables["POSTGRES_PASSWORD"]))
        stack = Stack(folder, database, variables, own_ports)
        build_image(stack)
        stopping.enter_context(stack.start("redis", redis_command(stack)))
        wait_until(lambda: redis_answers(own_ports["redis"]), HEALTHY_SECS, "redis answers")
        migrated = stack.run(stack.command(SERVICES["migrate"]))
        assert migrated.returncode == 0, migrated.stderr
        for name in ("web", "worker", "flower"):
            stopping.enter_context(stack.start(name))
        for name in ("postgres", "web", "worker", "flower"):
            stack.wait_until_healthy(name)
        yield stack
