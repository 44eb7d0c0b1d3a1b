"""Find the model servers of this machine; choose the model of `up --model`."""

import asyncio
import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from chat.responses.model_catalog import ModelConfig
from project.up import probes
from project.up.environment import LOCAL_MODEL, MODEL_VARIABLES
from project.up.errors import ModelError
from project.up.ports import HOST
from workers.providers.chat_models import can_chat, is_name

SECS = 0.3  # for all servers, when none is asked for
MAX_NAMES = 50  # of one server, in a message


@dataclass(frozen=True)
class Kind:
    """A kind of server. `owner`: of its models, where the port is common."""

    name: str
    title: str
    port: int
    owner: str = ""


KINDS = (
    Kind("ollama", "Ollama", 11434),
    Kind("llama.cpp", "llama.cpp", 8080, "llamacpp"),
    Kind("lmstudio", "LM Studio", 1234),
    Kind("vllm", "vLLM", 8000, "vllm"),
)


@dataclass(frozen=True)
class Server:
    """A running server and its models."""

    kind: Kind
    models: tuple[str, ...]

    @property
    def base_url(self) -> str:
        """Its base URL."""
        return f"http://{HOST}:{self.kind.port}/v1"

    def names(self) -> list[str]:
        """The values of --model for its models."""
        return [f"{self.kind.name}/{model}" for model in self.models]


def found(taken: Iterable[int] = (), secs: float | None = SECS) -> list[Server]:
    """Probe every kind but those on our ports `taken`; never raises.

    `secs` is for all of them; None: as long as one probe may take.
    """
    return asyncio.run(_found([kind for kind in KINDS if kind.port not in taken], secs))


async def _found(kinds: Sequence[Kind], secs: float | None) -> list[Server]:
    probing = [asyncio.create_task(_probed(kind)) for kind in kinds]
    if not probing:
        return []
    done, late = await asyncio.wait(probing, timeout=secs)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return [server for task in probing if task in done and (server := task.result())]


async def _probed(kind: Kind) -> Server | None:
    body, fault = await probes.get(kind.port, "/v1/models")
    if fault:
        return None
    try:
        rows = [row for row in json.loads(body)["data"] if not kind.owner or row["owned_by"] == kind.owner]
        rows.sort(key=lambda row: not can_chat(str(row["id"]), row))
        names = [name for row in rows if is_name(name := str(row["id"]))][:MAX_NAMES]
    except (ValueError, KeyError, TypeError, RecursionError):  # another kind of server
        return None
    return Server(kind, tuple(names)) if names or not kind.owner else None


def advice(servers: Sequence[Server]) -> list[str]:
    """One line per server for the summary: its name, and how to take its first model."""
    return [
        f"{server.kind.title} runs here, too ({server.base_url}): {_taking(server)}" for server in servers
    ]


def _taking(server: Server) -> str:
    if not server.models:
        return "it has no model yet"
    return f"uv run manage.py up --model {shlex.quote(server.names()[0])}"


def chosen(name: str, servers: Sequence[Server]) -> dict[str, str]:
    """The variables that choose `name`; empty ones hide others. Raises ModelError."""
    nothing = dict.fromkeys((*MODEL_VARIABLES, "OPENAI_MODEL"), "")
    if name == LOCAL_MODEL:
        return nothing
    if "://" in name:
        base_url, _, model = name.partition("#")
        key = {} if _is_private(_usable(base_url)) else {"OPENAI_API_KEY": ""}
        return {"TAILRACE_MODELS": "", "OPENAI_BASE_URL": base_url, "OPENAI_MODEL": model, **key}
    kind, _, model = name.partition("/")
    for server in servers:
        if kind == server.kind.name and (listed := _listed(model, server.models)):
            return {**nothing, "OPENAI_BASE_URL": server.base_url, "OPENAI_MODEL": listed}
    message = f"There is no model {name} on this machine.\n{_choices(servers)}"
    raise ModelError(message)


def _listed(model: str, models: Sequence[str]) -> str | None:
    """Ollama's default tag may be left out."""
    return next((name for name in (model, f"{model}:latest") if name in models), None)


def _usable(base_url: str) -> str:
    try:
        ModelConfig("chosen", base_url)
    except ValueError as error:
        message = f"--model: {error}, then # and the model's name."
        raise ModelError(message) from error
    return base_url


def _is_private(base_url: str) -> bool:
    """Whether no other machine can read a key on its way: https, or loopback."""
    url = urlsplit(base_url.strip())
    if url.scheme == "https" or url.hostname == "localhost":
        return True
    try:
        return ip_address(url.hostname or "").is_loopback
    except ValueError:  # a name
        return False


def _choices(servers: Sequence[Server]) -> str:
    names = [LOCAL_MODEL, *(name for server in servers for name in server.names())]
    silent = [kind.title for kind in KINDS if kind not in [server.kind for server in servers]]
    lines = [f"Choose from {', '.join(names)}, or a URL as http://host:port/v1#NAME."]
    return "\n".join([*lines, *([f"Not found: {', '.join(silent)}."] if silent else [])])
