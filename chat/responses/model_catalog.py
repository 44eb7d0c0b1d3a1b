"""The model catalog: from a TOML file (docs/configuration.md), or one model from the environment.

The first model is the default. `demo-count` always exists: it counts, without network.
"""

import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from django.core.exceptions import ImproperlyConfigured
from pydantic import ConfigDict, TypeAdapter, ValidationError

from chat.conf import conf

QUEUE = "responses"
DEMO = "demo-count"
DEMO_URL = "demo:count"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Time limits in seconds."""

    connect: float = 10
    first_token: float = 60
    between_tokens: float = 30
    total: float = 600


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One configured model."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")  # a misspelt field is an error

    name: str
    base_url: str
    key_env: str = "OPENAI_API_KEY"
    upstream_model: str = ""
    queue: str = QUEUE
    resume: Literal["restart", "continue"] = "restart"
    max_output_tokens: int | None = None
    deadlines: Deadlines = field(default_factory=Deadlines)


Catalog = dict[str, ModelConfig]
_MODELS = TypeAdapter(list[ModelConfig])


@functools.cache
def catalog() -> Catalog:
    """Models by name, the default first. Read once per process."""
    if conf.MODELS:
        models = read(Path(conf.MODELS))
    else:
        models = [
            ModelConfig(
                conf.OPENAI_MODEL or "default",
                conf.OPENAI_BASE_URL,
                upstream_model=conf.OPENAI_MODEL,
                max_output_tokens=conf.OPENAI_MAX_OUTPUT_TOKENS,
                resume=conf.OPENAI_RESUME,
            )
        ]
    models.append(ModelConfig(DEMO, DEMO_URL))
    return {model.name: model for model in models}


def read(path: Path) -> list[ModelConfig]:
    """Read a TOML file. Raises ImproperlyConfigured with the file and the fault."""
    try:
        models = _MODELS.validate_python(tomllib.loads(path.read_text()).get("models", []))
    except (OSError, ValueError) as error:
        reason = _wrong_fields(error) if isinstance(error, ValidationError) else error
        message = f"TAILRACE_MODELS: {path} cannot be used: {reason}"
        raise ImproperlyConfigured(message) from error
    if not models or len({model.name for model in models} | {DEMO}) <= len(models):
        message = f"TAILRACE_MODELS: {path} needs [[models]], each with a unique name (not {DEMO})."
        raise ImproperlyConfigured(message)
    return models


def _wrong_fields(error: ValidationError) -> str:
    """Wrong fields by path; the first model is `models.0`."""
    wrong = [(".".join(map(str, ("models", *item["loc"]))), item["msg"]) for item in error.errors()]
    return "; ".join(f"{place}: {reason}" for place, reason in wrong)
