"""The compared designs and how each starts. `tailrace` is this project as shipped."""

import asyncio
import math
import secrets
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.dialects import MODEL
from bench.parts import Part, PartError, Parts
from project.up import valkey
from project.up.parts import web_command
from project.up.ports import HOST, pick_free
from project.up.probes import ConnectProbe, HttpProbe, PingProbe, WholeProbe
from tests.harness import postgres

UPSTREAM_KEY = "bench-key"


@dataclass(frozen=True, slots=True)
class Scale:
    """A design's number of processes. `streams`: answers that must run at once."""

    web: int = 1
    workers: int = 1
    streams: int = 50

    def __str__(self) -> str:
        return f"{self.web} web + {self.workers} worker"


@dataclass(frozen=True, slots=True)
class Design:
    """A design: its socket dialect, and a function that starts it and returns its web ports."""

    name: str
    dialect: str
    start: Callable[[Parts, Scale], Awaitable[list[int]]]
    most_tokens_per_sec: float = math.inf  # possible on a small machine, with a margin
    is_dear: bool = False  # expensive: one round only


def environment(upstream_port: int) -> dict[str, str]:
    """Return every part's environment."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "OPENAI_BASE_URL": f"http://{HOST}:{upstream_port}/v1",
        "OPENAI_API_KEY": UPSTREAM_KEY,
        "PYTHONUNBUFFERED": "1",
    }


def catalog(upstream_port: int) -> str:
    """Return the model of `tailrace` as TOML."""
    return f"""[[models]]
name = "{MODEL}"
upstream_model = "{MODEL}"
base_url = "http://{HOST}:{upstream_port}/v1"
key_env = "OPENAI_API_KEY"
"""


async def _start_redis(parts: Parts) -> str:
    port = pick_free()
    part = parts.start("redis", "broker", *valkey.command(port, parts.directory))
    await parts.wait_for(part, PingProbe(port))
    return valkey.url(port)


async def _start_web(parts: Parts, count: int, app: str) -> list[int]:
    """Start web processes of a small app, under Daphne as Tailrace."""
    ports = [pick_free() for _ in range(count)]
    for port in ports:
        part = parts.python(f"web-{port}", "web", "daphne", "-b", HOST, "-p", str(port), app)
        await parts.wait_for(part, ConnectProbe(HOST, port))
    return ports


@dataclass(frozen=True, slots=True)
class PostgresProbe:
    """A server that takes connections."""

    server: postgres.Server

    async def shortfall(self) -> str:
        """Empty when it is ready."""
        ready = await asyncio.to_thread(postgres.is_ready, self.server)
        return "" if ready else "PostgreSQL takes no connections"


async def _start_postgres(parts: Parts) -> str:
    """Start a server whose CPU is counted as `database`; returns its URL. Raises PartError."""
    programs = postgres.packaged_bin_dir()
    if programs is None:
        message = "PostgreSQL is missing"
        raise PartError(message)
    server = postgres.Server(pick_free(), programs, "tailrace", secrets.token_hex())
    folder = Path(tempfile.mkdtemp(prefix="bench-postgres-"))  # the owner cannot enter the parts' own
    parts.folders.append(folder)
    if postgres.OWNER:
        shutil.chown(folder, postgres.OWNER)
    await asyncio.to_thread(postgres.create_cluster, server, folder)
    part = parts.start("postgres", "database", *postgres.command(server, folder), user=postgres.OWNER)
    await parts.wait_for(part, PostgresProbe(server))
    address = (f"--host={folder}", f"--port={server.port}", f"--username={server.name}")
    await asyncio.to_thread(postgres.run_program, server, "createdb", *address, server.name)
    return server.url


async def _start_on_postgres(parts: Parts, scale: Scale) -> list[int]:
    parts.env |= {"DATABASE_URL": await _start_postgres(parts)}
    return await _start_tailrace(parts, scale)


async def _start_tailrace(parts: Parts, scale: Scale) -> list[int]:
    parts.env |= {
        "REDIS_URL": await _start_redis(parts),
        "TAILRACE_DATA_DIR": str(parts.directory),
        "TAILRACE_MODELS": str(parts.directory / "models.toml"),
        "TAILRACE_GUESTS": "1",
        "TAILRACE_HTTPS": "0",  # plain http
        "TAILRACE_GUEST_MAX_RUNNING": str(max(100, scale.streams)),
        "TAILRACE_MAX_SOCKETS": "10000",
        "TAILRACE_CONCURRENCY": str(max(100, scale.streams)),
        "LOG_LEVEL": "WARNING",
        "TAILRACE_TIDY": "0",  # a section does it
    }
    await parts.run(sys.executable, "manage.py", "migrate", "-v0")
    await parts.run(sys.executable, "manage.py", "collectstatic", "--noinput", "-v0")
    ports = [pick_free() for _ in range(scale.web)]
    webs = [parts.start(f"web-{port}", "web", *web_command(port)) for port in ports]
    for web, port in zip(webs, ports, strict=True):
        await parts.wait_for(web, HttpProbe(port, "/healthz"))
    for number in range(scale.workers):
        start_worker(parts, "project", f"worker-{number}")
    await parts.wait_for(webs[0], WholeProbe(ports[0], scale.workers))
    return ports


def start_worker(parts: Parts, app: str, name: str, *arguments: str) -> Part:
    """Start a Celery worker; a probe shows when it is ready."""
    return parts.python(name, "worker", "celery", "-A", app, "worker", "-n", f"{name}@bench", *arguments)


async def _start_direct(parts: Parts, scale: Scale) -> list[int]:
    return await _start_web(parts, scale.web, "bench.designs.direct_app:application")


async def _start_textbook(parts: Parts, scale: Scale) -> list[int]:
    """Start it with a prefork process per concurrent answer."""
    parts.env |= {"REDIS_URL": await _start_redis(parts)}
    app = "bench.designs.textbook_app"
    pool = ("-P", "prefork", "-c", str(scale.streams), "-l", "WARNING")
    for number in range(scale.workers):
        start_worker(parts, app, f"worker-{number}", *pool)
    return await _start_web(parts, scale.web, f"{app}:application")


async def _start_relay(parts: Parts, scale: Scale) -> list[int]:
    ports = [pick_free() for _ in range(scale.web)]
    for port in ports:
        part = parts.python(f"web-{port}", "web", "bench.designs.relay_app", "--port", str(port))
        await parts.wait_for(part, ConnectProbe(HOST, port))
    return ports


TAILRACE = Design("tailrace", "tailrace", _start_tailrace)
DIRECT = Design("direct", "plain", _start_direct)
TEXTBOOK = Design("textbook", "plain", _start_textbook, most_tokens_per_sec=600, is_dear=True)
RELAY = Design("relay", "plain", _start_relay)
DESIGNS = {design.name: design for design in (TAILRACE, DIRECT, TEXTBOOK, RELAY)}
ON_POSTGRES = Design("tailrace-postgres", "tailrace", _start_on_postgres)  # for two sections
ALL = DESIGNS | {ON_POSTGRES.name: ON_POSTGRES}
