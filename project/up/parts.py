"""Plan the parts: command, readiness, stop."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from project.up import valkey
from project.up.environment import FLOWER, REDIS_VARIABLES, Embedded, only, without
from project.up.errors import AddressError
from project.up.ports import HOST
from project.up.probes import ConnectProbe, HttpProbe, PingProbe, Probe, WholeProbe

REDIS_PORT = 6379  # the default of REDIS_URL
HANDING_OVER_SECS = 30  # after the drain, while the database is unavailable


@dataclass(frozen=True)
class Options:
    """Command line options; `flower_port` None: no Flower."""

    port: int
    flower_port: int | None
    workers: int
    data_dir: Path
    verbose: bool = False


@dataclass(frozen=True)
class Wait:
    """A condition, its time limit and remedy."""

    probe: Probe
    secs: float
    remedy: str
    pause_secs: float = 0.1


@dataclass(frozen=True)
class Part:
    """One process. The lowest `stop_turn` stops first."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)  # secrets
    remedy: str
    stop_turn: int
    stop_secs: float = 10  # then SIGKILL
    wait: Wait | None = None  # None: ready at once


@dataclass(frozen=True)
class Plan:
    """All parts, in start order."""

    outside: Mapping[str, Wait]  # only probed
    servers: tuple[Part, ...]  # one after the other
    preparations: tuple[Part, ...]  # to their ends, in parallel
    processes: tuple[Part, ...]
    page: Wait


def plan(
    options: Options,
    embedded: Embedded,
    env: Mapping[str, str],
    drain_secs: float,
    keys: frozenset[str] = frozenset(),
) -> Plan:
    """Plan a run. `keys`: the variables of the models' keys; only workers get them."""
    site = without(env, *keys, "OPENAI_API_KEY", "FLOWER_BASIC_AUTH")
    servers = []
    if embedded.redis_port is not None:
        servers.append(_redis(embedded.redis_port, options, env))
    if embedded.model_port is not None:
        servers.append(_model(embedded.model_port, env))
    numbers = range(1, options.workers + 1)
    generating = without(env, "FLOWER_BASIC_AUTH")
    workers = [_worker(number, generating, drain_secs, verbose=options.verbose) for number in numbers]
    flower = [] if options.flower_port is None else [_flower(options.flower_port, options, env)]
    return Plan(
        outside=_outside(embedded, env),
        servers=tuple(servers),
        preparations=(_migrate(site), _static_files(site)),
        processes=(_web(options, site), *workers, *flower),
        # each refusal of /readyz is logged as an error: probe it less often
        page=Wait(
            WholeProbe(options.port, options.workers), 60, "Start with --verbose to see all logs.", 0.5
        ),
    )


def _outside(embedded: Embedded, env: Mapping[str, str]) -> dict[str, Wait]:
    names = REDIS_VARIABLES if embedded.redis_port is not None else ("REDIS_URL", *REDIS_VARIABLES)
    named = {env[name]: name for name in reversed(names) if env.get(name)}  # each address once
    probes = {name: _probe(name, url) for url, name in named.items()}
    return {
        "redis" if name == "REDIS_URL" else name: Wait(probe, 10, f"Check {name}, or unset it.")
        for name, probe in probes.items()
        if probe is not None
    }


def _probe(name: str, url: str) -> Probe | None:
    """The probe of a Redis elsewhere; none behind a Unix socket."""
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port or REDIS_PORT
    except ValueError as error:  # it may quote a password
        message = f"{name} cannot be read: write it as redis://user:password@host:port/0."
        raise AddressError(message) from error
    return None if host is None else ConnectProbe(host, port)


def _redis(port: int, options: Options, env: Mapping[str, str]) -> Part:
    remedy = f"Its data is in {options.data_dir}: choose another place with --data-dir, or set REDIS_URL."
    return Part(
        "redis",
        valkey.command(port, options.data_dir, verbose=options.verbose, protected=True),
        only(env),
        remedy,
        stop_turn=5,
        wait=Wait(PingProbe(port, urlsplit(env["REDIS_URL"]).password or ""), 30, remedy),
    )


def _model(port: int, env: Mapping[str, str]) -> Part:
    remedy = "Set OPENAI_API_KEY or OPENAI_BASE_URL to use another server."
    return Part(
        "model",
        _python("project.up.local_model", "--port", str(port)),
        only(env, "OPENAI_API_KEY"),
        remedy,
        stop_turn=4,
        wait=Wait(HttpProbe(port, "/health"), 60, remedy),
    )


def _migrate(env: Mapping[str, str]) -> Part:
    command = (sys.executable, "manage.py", "prepare")
    return Part("migrate", command, env, "If the database is unavailable, check DATABASE_URL.", stop_turn=1)


def _static_files(env: Mapping[str, str]) -> Part:
    command = (sys.executable, "manage.py", "collectstatic", "--noinput")
    return Part("static", command, env, "Name a writable folder with --data-dir.", stop_turn=1)


def _web(options: Options, env: Mapping[str, str]) -> Part:
    remedy = "--port chooses another port; ALLOWED_HOSTS, when set, must contain 127.0.0.1."
    return Part(
        "web",
        web_command(options.port),
        env,
        remedy,
        stop_turn=1,
        wait=Wait(HttpProbe(options.port, "/healthz"), 60, remedy),
    )


def web_command(port: int) -> tuple[str, ...]:
    """The web server's command."""
    return (sys.executable, "manage.py", "serve", "--bind", HOST, "--port", str(port))


def _worker(number: int, env: Mapping[str, str], drain_secs: float, *, verbose: bool) -> Part:
    name = f"worker{number}"
    command = _celery("worker", "-n", f"{name}@%h", verbose=verbose)
    stop_secs = drain_secs + HANDING_OVER_SECS
    return Part(name, command, env, "Start with --verbose to see its log.", stop_turn=2, stop_secs=stop_secs)


def _flower(port: int, options: Options, env: Mapping[str, str]) -> Part:
    remedy = "--flower-port chooses another port, --no-flower starts without it."
    # its warnings are about workers still starting
    level = "info" if options.verbose else "error"
    arguments = ("flower", f"--address={HOST}", f"--port={port}", f"--logging={level}")
    return Part(
        "flower",
        _celery(*arguments, app="project.flower", verbose=options.verbose),
        only(env, *FLOWER),
        remedy,
        stop_turn=3,
        wait=Wait(HttpProbe(port, "/healthcheck"), 60, remedy),
    )


def _celery(*arguments: str, app: str = "project", verbose: bool) -> tuple[str, ...]:
    return _python("celery", *([] if verbose else ["--quiet"]), "-A", app, *arguments)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
