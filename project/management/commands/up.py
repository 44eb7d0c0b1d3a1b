"""`manage.py up`: everything on one machine."""

import argparse
import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.responses import model_keys
from chat.responses.model_catalog import catalog
from project.prefix import default_prefix
from project.up import discovery, environment, guard, lock, parts, ports, running, valkey
from project.up.console import Console, is_colourful
from project.up.errors import ModelError, PortError, UpError
from project.up.parts import Options
from project.up.summary import summary
from project.up.supervisor import Supervisor

INTERRUPTED = 130  # exit code after Ctrl-C


class Command(BaseCommand):
    """Runs the supervisor."""

    help = (
        "Start everything on this machine: Redis (an embedded Valkey, unless REDIS_URL names one), "
        "a small model (unless --model, OPENAI_API_KEY, OPENAI_BASE_URL or TAILRACE_MODELS names another), "
        "the migrations, the web server, the workers and Flower. All listen on 127.0.0.1 only. "
        "Ctrl-C stops everything in order and loses nothing."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=_port, default=8000, help="of the web page (default: %(default)s)")
        parser.add_argument(
            "--flower-port", type=_port, default=5555, help="of Flower (default: %(default)s)"
        )
        parser.add_argument("--no-flower", action="store_true", help="start without Flower")
        parser.add_argument(
            "--workers", type=_count, default=2, help="worker processes (default: %(default)s)"
        )
        parser.add_argument(
            "--model",
            help=(
                f"the model: {environment.LOCAL_MODEL}, one of a server on this machine "
                "(ollama/NAME, llama.cpp/NAME, lmstudio/NAME, vllm/NAME), or http://host:port/v1#NAME; "
                "OPENAI_API_KEY goes to a URL only by https or on this machine"
            ),
        )
        parser.add_argument(
            "--data-dir",
            type=Path,
            default=settings.TAILRACE_DATA_DIR,
            help="where Redis and SQLite keep their files (default: TAILRACE_DATA_DIR, now %(default)s)",
        )
        parser.add_argument(
            "--verbose",
            action="store_true",
            help=(
                "show all logs of the parts; without it only their warnings and errors, "
                "and none during start and stop"
            ),
        )

    def handle(self, **options: Any) -> None:
        """Run until stopped; exit code 1 after a failed start."""
        wanted = Options(
            port=options["port"],
            flower_port=None if options["no_flower"] else options["flower_port"],
            workers=options["workers"],
            data_dir=options["data_dir"].expanduser().resolve(),
            verbose=options["verbose"],
        )
        stream = cast(TextIO, self.stdout)
        colour = is_colourful(stream, os.environ) and not options["no_color"]
        try:
            _run(wanted, options["model"], Console(stream, colour=colour, verbose=wanted.verbose))
        except UpError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:  # before or after the supervisor's own handling
            raise SystemExit(INTERRUPTED) from None


def _run(options: Options, model: str | None, console: Console) -> None:
    with _private_files(), lock.held(options.data_dir) as lock_file, guard.started(lock_file) as watch:
        _require_ports(options)
        if model is None and environment.names_model(os.environ):
            _require_models()
        environ: Mapping[str, str] = os.environ
        ours = frozenset({options.port, options.flower_port or 0})
        servers = []
        if model:
            servers = discovery.found(ours, secs=None)
            environ = {**environ, **discovery.chosen(model, servers)}
        elif not environment.names_model(environ):
            servers = discovery.found(ours)
        embedded = environment.choose(environ, ours)
        prefix = _prefix(options.data_dir)
        env = environment.children(
            environ, embedded, options.data_dir, port=options.port, prefix=prefix, verbose=options.verbose
        )
        if embedded.redis_port is not None:
            valkey.protect(options.data_dir, env["REDIS_URL"])
        keys = _key_names()
        plan = parts.plan(options, embedded, env, settings.TAILRACE_DRAIN_SECONDS, keys)
        advice = [] if model else discovery.advice(servers)
        answers = settings.TAILRACE_CONCURRENCY
        welcome = partial(summary, options, embedded, env, answers, advice)
        console.say("starting" if options.verbose else "starting; --verbose shows the logs of all parts")
        with running.recorded(options.data_dir, env, keys):
            asyncio.run(Supervisor(plan, console, watch).run(welcome))


@contextmanager
def _private_files() -> Iterator[None]:
    """Keep other users from files that this process creates, until the block ends."""
    previous = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(previous)


def _prefix(data_dir: Path) -> str:
    """TAILRACE_PREFIX, or the children's own default: their SQLite file is in `data_dir`."""
    if os.environ.get("TAILRACE_PREFIX") or os.environ.get("DATABASE_URL"):
        return str(settings.TAILRACE_PREFIX)
    return default_prefix(settings.SECRET_KEY, {"NAME": data_dir / "db.sqlite3"})


def _key_names() -> frozenset[str]:
    """The variables of the models' keys and headers; unreadable models stop the workers."""
    try:
        models = catalog().values()
        headers = [value[1:] for model in models for value in model.headers.values() if value[:1] == "$"]
        return frozenset([*(model.key_env for model in models if model.key_env), *headers])
    except ImproperlyConfigured:
        return frozenset()


def _require_models() -> None:
    """Refuse unusable models and keys at once; a worker would refuse them half a minute later."""
    try:
        models = catalog().values()
    except ImproperlyConfigured as error:
        raise ModelError(str(error)) from error
    if unusable := model_keys.faults(models, os.environ):
        message = f"{'; '.join(unusable)}. Correct the environment or the models: docs/models.md."
        raise ModelError(message)


def _require_ports(options: Options) -> None:
    ports.require_free(options.port, "--port")
    if options.flower_port == options.port:
        message = f"Port {options.port} is used twice: choose another with --flower-port."
        raise PortError(message)
    if options.flower_port is not None:
        ports.require_free(options.flower_port, "--flower-port")


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        message = f"{text!r} is not a port: choose from 1 to 65535"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        message = f"{text!r} is too few: at least one worker is needed"
        raise argparse.ArgumentTypeError(message)
    return int(text)
