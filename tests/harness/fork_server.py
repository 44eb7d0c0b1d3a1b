"""The server of `forks`: run Python programs as forks of a process that has imported their modules.

A worker's imports take three seconds of CPU, and the suite starts some two hundred programs. Only modules
that read neither settings nor environment: the program imports the others itself, as it would otherwise.
"""

import atexit
import gc
import json
import os
import runpy
import select
import selectors
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, NoReturn

from filelock import FileLock

# they need no settings of Django, and start no thread and no event loop
LIBRARIES = (
    "django.conf.urls.static",
    "django.contrib.admin.templatetags.admin_list",
    "django.contrib.admin.templatetags.admin_modify",
    "django.contrib.admin.templatetags.log",
    "django.contrib.auth.apps",
    "django.contrib.auth.hashers",
    "django.contrib.auth.password_validation",
    "django.contrib.auth.tokens",
    "django.contrib.auth.validators",
    "django.contrib.contenttypes.apps",
    "django.contrib.messages.apps",
    "django.contrib.messages.middleware",
    "django.contrib.sessions.apps",
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.middleware",
    "django.contrib.sites.shortcuts",
    "django.contrib.staticfiles.apps",
    "django.contrib.staticfiles.handlers",
    "django.core.asgi",
    "django.core.cache.backends.locmem",
    "django.core.management",
    "django.core.management.commands.makemigrations",
    "django.core.management.commands.migrate",
    "django.core.management.commands.runserver",
    "django.core.management.commands.shell",
    "django.db.backends.sqlite3.base",
    "django.db.models.sql.compiler",
    "django.middleware.clickjacking",
    "django.middleware.common",
    "django.middleware.gzip",
    "django.middleware.security",
    "django.templatetags.cache",
    "django.templatetags.l10n",
    "django.templatetags.tz",
    "django.test.utils",
    "django.utils.translation.reloader",
    "django.views.csrf",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.contrib.django.task",
    "celery.fixups.django",
    "celery.worker.autoscale",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "kombu.transport.redis",
    "openai",
    "openai.types.chat",
    "openai.types.responses",
    "aiohttp",
    "psycopg_pool",
    "billiard.pool",
    "channels.auth",
    "channels.layers",
    "channels.routing",
    "channels.security.websocket",
    "channels_redis.pubsub",
    "daphne.checks",
    "daphne.endpoints",
    "daphne.http_protocol",
    "daphne.ws_protocol",
    "whitenoise.middleware",
    "whitenoise.storage",
    "autobahn.twisted.websocket",
    "twisted.internet.asyncioreactor",
    "twisted.web.http",
    "twisted.protocols.tls",
    "environ",
)
# of ours, the same
OWN = (
    "chat.accounts.program_rate",
    "chat.accounts.renewal",
    "chat.api.completions.chunks",
    "chat.api.completions.request",
    "chat.api.conversation_bodies",
    "chat.api.server_events",
    "chat.apps",
    "chat.checks",
    "chat.conversations.tree",
    "chat.files.forms",
    "chat.files.storage",
    "chat.pages.app_shell",
    "chat.protocol.messages",
    "chat.protocol.parameters",
    "chat.responses.program_requests",
    "chat.responses.remedies",
    "chat.sockets.daphne",
    "chat.sockets.lanes",
    "chat.sockets.origins",
    "chat.streaming.cursor",
    "chat.streaming.http_connection",
    "chat.streaming.log_reads",
    "chat.templatetags.modules",
    "chat.transport.heartbeats",
    "chat.transport.provider_runs",
    "chat.webhooks.events",
    "chat.webhooks.schedule",
    "project.csp",
    "project.environment",
    "project.executor",
    "project.form_charset",
    "project.server.access_log",
    "project.server.http",
    "project.server.local_peers",
    "project.server.proxies",
    "project.server.sign_in_gate",
    "project.server.transports",
    "project.server.websocket",
    "project.sqlite.base",
    "project.storage",
    "workers.generation.publisher",
    "workers.generation.retries",
    "workers.programs.running",
    "workers.providers.chat_models",
    "workers.providers.completion",
    "workers.providers.exchange.reading",
    "workers.providers.responses.events",
    "workers.providers.responses.overlap",
    "workers.supervision.health",
    "workers.supervision.process_end",
    "workers.webhooks.posting",
    "tests.harness.upstream.server",
)
PACKAGES = {name.partition(".")[0] for name in OWN}
ROOT = Path(__file__).resolve().parents[2]
MAX_REQUEST_BYTES = 200_000
MAX_DESCRIPTORS = 4096
STATUS = b"%20d"  # a process id, then an exit code


class Request(NamedTuple):
    """A program to start, as received."""

    arguments: list[str]
    env: dict[str, str]
    cwd: str
    descriptors: list[int]  # standard output, standard error, status


class Server:
    """The server's side. `defaults`: variables that our modules set where they are missing."""

    def __init__(self, listener: socket.socket, place: Path, defaults: Mapping[str, str]) -> None:
        self._listener, self._place, self._defaults = listener, place, defaults
        self._clients = 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def run(self) -> None:
        """Fork for each request, report exit codes, until all clients end."""
        while True:
            for key, _ in self._selector.select():
                has_ended = key.data()
                if has_ended:
                    return

    def _accept(self) -> bool:
        client, _ = self._listener.accept()
        self._selector.register(client, selectors.EVENT_READ, partial(self._answer, client))
        self._clients += 1
        return False

    def _answer(self, client: socket.socket) -> bool:
        request = _received(client)
        if request is None:
            self._selector.unregister(client)
            client.close()
            self._clients -= 1
            return self._clients == 0 and self._is_closed()
        pid = os.fork()
        if pid == 0:
            _run_to_its_end(request, self._defaults)
        self._watch(pid, request)
        return False

    def _is_closed(self) -> bool:
        """Close the listener unless a client waits; clients connect under the same lock."""
        with FileLock(f"{self._place}.lock"):
            if select.select([self._listener], [], [], 0)[0]:
                return False
            self._listener.close()
            return True

    def _watch(self, pid: int, request: Request) -> None:
        """Report its id, and its exit code at its end."""
        *outputs, status = request.descriptors
        for each in outputs:
            os.close(each)
        os.write(status, STATUS % pid)
        handle = os.pidfd_open(pid)

        def ended() -> bool:
            self._selector.unregister(handle)
            _, code = os.waitpid(pid, 0)
            with suppress(BrokenPipeError):  # the client has closed it
                os.write(status, STATUS % os.waitstatus_to_exitcode(code))
            os.close(status)
            os.close(handle)
            return False

        self._selector.register(handle, selectors.EVENT_READ, ended)


def _received(connection: socket.socket) -> Request | None:
    """None: the client has ended."""
    message, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, 3)
    return Request(**json.loads(message), descriptors=descriptors) if message else None


def _run_to_its_end(request: Request, defaults: Mapping[str, str]) -> NoReturn:
    """Run it, and end as the interpreter does, but release no module: that takes 150 ms.

    An exception that is not caught ends it in the interpreter's own way.
    """
    code = 0
    try:
        _run(request, defaults)
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        code = ended.code or 0
    threading._shutdown()  # type: ignore[attr-defined]  # multiprocessing ends its forks in the same way
    atexit._run_exitfuncs()
    for output in (sys.stdout, sys.stderr):
        output.flush()
    os._exit(code)


def _run(request: Request, defaults: Mapping[str, str]) -> None:
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
    if Path(request.cwd) == ROOT:
        os.environ.update({**defaults, **request.env})
    else:
        _forget_own()
    how, *rest = request.arguments
    if how == "-m":
        module, *rest = rest
        sys.argv, sys.path[0] = [module, *rest], request.cwd
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    elif how == "-c":
        code, *rest = rest
        sys.argv, sys.path[0] = [how, *rest], ""
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), main.__dict__)  # noqa: S102 - as the interpreter does
    else:
        sys.argv, sys.path[0] = request.arguments, str(Path(how).resolve().parent)
        runpy.run_path(how, run_name="__main__")


def _forget_own() -> None:
    """Import our modules again: another folder may have others of the same names."""
    for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
        del sys.modules[name]


if __name__ == "__main__":
    path = [*sys.path]
    os.environ.clear()
    _, number, address, *more = sys.argv
    for module in (*LIBRARIES, *OWN, *more):
        import_module(module)
    sys.path[:] = path  # Celery adds the folder
    gc.collect()
    gc.freeze()  # forks share it
    Server(socket.socket(fileno=int(number)), Path(address), dict(os.environ)).run()
