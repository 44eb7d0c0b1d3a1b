"""The model catalog: from a TOML file (docs/configuration.md), or one model from the environment.

The first model is the default. `demo-count` always exists: a program that counts, without network.
"""

import functools
import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import ConfigDict, TypeAdapter, ValidationError

from chat.conf import conf
from chat.protocol.options import Effort
from chat.transport.job_queue import TITLES, WEBHOOKS

QUEUE = "responses"
DEMO = "demo-count"
DEMO_PROGRAM = "workers.programs.counting:count"
MAX_NAME_CHARS = 200  # of a model; the column's
PROGRAM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")  # module:function
# a client must not set them by another way
OURS = frozenset(
    ("model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens")
)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|")  # "": no key


class NumberError(ValueError):
    """A field is negative or not a number."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} must be 0 or more")
        self.field = field


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Time limits in seconds."""

    connect: float = 10
    first_token: float = 300  # a large model loads, or reasons without showing it
    between_tokens: float = 60
    total: float = 1800

    def __post_init__(self) -> None:
        """Raises NumberError."""
        _refuse_negative(self, "connect", "first_token", "between_tokens", "total")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One configured model: docs/configuration.md. Raises ValueError for an unusable field."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")  # a misspelt field is an error

    name: str
    base_url: str = ""
    program: str = ""  # instead of a base URL: `module:function`, docs/programs.md
    key_env: str = "OPENAI_API_KEY"
    key_header: str = ""  # "": Authorization: Bearer, or the one of a known host
    upstream_model: str = ""
    queue: str = QUEUE
    resume: Literal["restart", "continue"] = "restart"
    max_output_tokens: int | None = None
    context: int | None = None  # tokens of prompt and answer together
    limit_field: Literal["", "max_tokens", "max_completion_tokens"] = ""  # "": learned
    without: tuple[str, ...] = ()  # fields that the server refuses
    parameters: dict[str, Any] = field(default_factory=dict)  # more fields of each request
    client_parameters: tuple[str, ...] = ()  # more names that clients may send, for the server
    headers: dict[str, str] = field(default_factory=dict)  # $NAME: a variable of the workers, also within
    query: dict[str, str] = field(default_factory=dict)
    # at the start of the text; ("", end): the text begins as reasoning; (): all is text
    reasoning_tags: tuple[str, str] | tuple[()] = ("<think>", "</think>")
    images: bool = False
    tools: bool = False
    efforts: tuple[Effort, ...] = ()  # of reasoning, which the page offers
    api: Literal["chat", "responses"] = "chat"  # chat completions, or OpenAI's Responses API
    deadlines: Deadlines = field(default_factory=Deadlines)

    def __post_init__(self) -> None:
        """Move the URL's query to `query`; cut the path that the SDK appends; a context of 0 is None."""
        _refuse_negative(self, "context", "max_output_tokens")
        object.__setattr__(self, "context", self.context or None)
        _refuse_no_json(self.parameters)
        _refuse_wrong_names(self.name, self.key_env)
        _refuse_queue(self.queue)
        _refuse_ours(self.client_parameters)
        if self.program:
            _refuse_wrong_program(self.program, self.base_url)
            return
        url = _usable(self.base_url)
        path = url.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/responses")
        object.__setattr__(self, "base_url", f"{url.scheme}://{url.netloc}{path}")
        object.__setattr__(self, "query", {**dict(parse_qsl(url.query)), **self.query})


def _refuse_negative(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and not value >= 0:  # also nan
            raise NumberError(name)


def _refuse_no_json(parameters: dict[str, Any]) -> None:
    try:
        json.dumps(parameters, allow_nan=False)
    except (TypeError, ValueError):
        message = "parameters must hold no date, time, inf or nan"
        raise ValueError(message) from None


def _refuse_wrong_names(name: str, key_env: str) -> None:
    """Neither message repeats the text: a key may stand where its variable belongs."""
    fault = ""
    if not VARIABLE.fullmatch(key_env):
        fault = "key_env must be the name of a variable, as in OPENAI_API_KEY"
    elif not name.isprintable() or not 0 < len(name) <= MAX_NAME_CHARS:
        fault = f"name must have 1 to {MAX_NAME_CHARS} printable characters"
    if fault:
        raise ValueError(fault)


def _refuse_queue(queue: str) -> None:
    if queue in (TITLES, WEBHOOKS):
        message = f"queue must not be {queue}: it has other jobs"
        raise ValueError(message)


def _refuse_wrong_program(program: str, base_url: str) -> None:
    fault = ""
    if base_url:
        fault = "a model has a base_url or a program, not both"
    elif not PROGRAM.fullmatch(program):
        fault = "program must name a module and its function, as in shop.answers:support"
    if fault:
        raise ValueError(fault)


def _refuse_ours(names: tuple[str, ...]) -> None:
    wrong = sorted(OURS.intersection(names))
    if wrong:
        message = f"client_parameters must not name {', '.join(wrong)}"
        raise ValueError(message)


def _split(base_url: str) -> SplitResult:
    try:
        url = urlsplit(base_url)
        (url.hostname or "").encode("idna")
    except ValueError:  # brackets, characters or labels; its text holds the address
        message = "the base URL must have a host with a valid name"
        raise ValueError(message) from None
    return url


def _usable(base_url: str) -> SplitResult:
    """Raises ValueError, without the address: it may hold a secret."""
    url = _split(base_url.strip())
    fault = ""
    if url.scheme not in ("http", "https") or not url.hostname:
        fault = "the base URL must begin with http:// or https:// and a host, as in https://api.openai.com/v1"
    elif url.username is not None or url.password is not None:
        fault = "the base URL must hold no user and password: put the key in the variable of key_env"
    elif url.netloc.rpartition("]")[2].partition(":")[2].strip("0123456789"):
        fault = "the port of the base URL must be a number"
    elif not base_url.strip().isprintable() or " " in base_url.strip():
        fault = "the base URL must hold no space and no control character"
    if fault:
        raise ValueError(fault)
    return url


Catalog = dict[str, ModelConfig]
_MODELS = TypeAdapter(list[ModelConfig])


@functools.cache
def catalog() -> Catalog:
    """Models by name, the default first. Read once per process. Raises ImproperlyConfigured."""
    models = read(Path(conf.MODELS)) if conf.MODELS else [_of_environment()]
    models.append(ModelConfig(DEMO, program=DEMO_PROGRAM))
    return {model.name: model for model in models}


def client_parameters() -> frozenset[str]:
    """The names that clients may send to any of the models. Raises as `catalog`."""
    return frozenset(name for model in catalog().values() for name in model.client_parameters)


def _of_environment() -> ModelConfig:
    try:
        return ModelConfig(
            conf.OPENAI_MODEL or "default",
            conf.OPENAI_BASE_URL,
            upstream_model=conf.OPENAI_MODEL,
            max_output_tokens=conf.OPENAI_MAX_OUTPUT_TOKENS,
            context=conf.OPENAI_CONTEXT,
            resume=conf.OPENAI_RESUME,
            deadlines=Deadlines(**conf.OPENAI_DEADLINES),
        )
    except NumberError as error:
        unit = "_SECONDS" if error.field in conf.OPENAI_DEADLINES else ""
        message = f"OPENAI_{error.field.upper()}{unit}: {error}."
        raise ImproperlyConfigured(message) from error
    except ValueError as error:
        message = f"OPENAI_BASE_URL: {error}."
        raise ImproperlyConfigured(message) from error


def read(path: Path) -> list[ModelConfig]:
    """Read a TOML file. Raises ImproperlyConfigured with the file and the fault."""
    try:
        models = _MODELS.validate_python(tomllib.loads(path.read_text()).get("models", []))
    except (OSError, ValueError) as error:
        reason = _wrong_fields(error) if isinstance(error, ValidationError) else error
        message = f"TAILRACE_MODELS: {path} cannot be used: {reason}"
        raise ImproperlyConfigured(message) from None  # a ValidationError holds the values
    if not models or len({model.name for model in models} | {DEMO}) <= len(models):
        message = f"TAILRACE_MODELS: {path} needs [[models]], each with a unique name (not {DEMO})."
        raise ImproperlyConfigured(message)
    return models


def _wrong_fields(error: ValidationError) -> str:
    """Wrong fields by path; the first model is `models.0`."""
    wrong = [(".".join(map(str, ("models", *item["loc"]))), item["msg"]) for item in error.errors()]
    return "; ".join(f"{place}: {reason}" for place, reason in wrong)
