"""A Tailrace with one model for each kind of server or configuration, and a question for each row of ROWS."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.harness.stack import CELERY, Stack, running
from tests.harness.upstream.frames import CANARY
from tests.workers.providers.dialects import DIALECTS

LIMIT = 4096  # max_output_tokens
CONTEXT = 400  # tokens of the small model
KEY = "upstream-key"
AZURE = "/openai/deployments/mill?api-version=2024-10-21"
PATIENT = "patient"  # the environment's model of the second worker, and its queue
FIRST_TOKEN_SECS = 2  # its deadline

# by the name that clients ask for: the path of the base URL, and the fields of the catalog
MODELS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "plain": ("/v1", {}),
    "renamed": ("/v1", {"limit_field": "max_completion_tokens"}),
    "learns-limit": ("/v1", {}),
    "learns-limit-422": ("/v1", {}),
    "learns-options": ("/v1", {}),
    "learns-options-422": ("/v1", {}),
    "learns-both": ("/v1", {}),
    "without-options": ("/v1", {"without": ["stream_options"]}),
    "tags-off": ("/v1", {"reasoning_tags": []}),
    "tags-open": ("/v1", {"reasoning_tags": ["", "</think>"]}),
    "whole-address": ("/v1/chat/completions/", {}),
    "no-v1": ("", {}),
    "no-v1-nginx": ("/nginx", {}),
    "first-listed": ("/embedding/v1", {"upstream_model": ""}),
    "azure": (AZURE, {"key_header": "api-key"}),
    "small": ("/v1", {"context": CONTEXT, "max_output_tokens": 50}),
    "padded-key": ("/v1", {"key_env": "PADDED_KEY"}),
    PATIENT: ("/v1", {"queue": PATIENT}),
}


@dataclass(frozen=True)
class Row:
    """A question and the end of its response; `case` numbers the kind of server."""

    case: str
    script: str
    model: str = "plain"
    status: str = "completed"
    text: str = ""
    reasoning: str = ""
    code: str = ""
    reason: str = ""  # of an incomplete one
    requests: int = 1
    label: str = ""
    words: str = CANARY  # of the server's error: no row, log or Redis has them

    def __str__(self) -> str:
        """Name the test."""
        return f"{self.case}-{self.model}-{self.script}"

    @property
    def prompt(self) -> str:
        """The question."""
        return f"[{self.script}] {self.label or f'{self.case} {self.model}'}"


def dialect_row(case: str, name: str, **fields: Any) -> Row:
    """Return a dialect as a row; normally it ends as the table of dialects has it."""
    dialect = DIALECTS[name]
    text = dialect.text + dialect.refusal
    row = Row(case, f"dialect-{name}", text=text, reasoning=dialect.reasoning)
    answers = text or dialect.calls or dialect.finish != "stop"
    if code := dialect.code or ("" if answers else "empty_answer"):
        row = replace(row, status="failed", code=code)
    elif dialect.finish != "stop":
        reason = "max_output_tokens" if dialect.finish == "length" else "content_filter"
        row = replace(row, status="incomplete", reason=reason)
    return replace(row, **fields)


def _failed(case: str, script: str, code: str, model: str = "plain") -> Row:
    return Row(case, script, model, "failed", code=code)


# a server that refuses a field, and the fields of interest in the requests until it answers
LEARNING: Sequence[tuple[Row, Sequence[str]]] = (
    (
        Row("u1", "refuse-max-tokens+words-2", "learns-limit", text="w0 w1"),
        ("max_tokens stream_options", "max_completion_tokens stream_options"),
    ),
    (
        Row("u1", "forbid-max-tokens+words-2", "learns-limit-422", text="w0 w1"),
        ("max_tokens stream_options", "max_completion_tokens stream_options"),
    ),
    (
        Row("u2", "refuse-stream-options+words-2", "learns-options", text="w0 w1"),
        ("max_tokens stream_options", "max_tokens"),
    ),
    (
        Row("u2", "forbid-stream-options+words-2", "learns-options-422", text="w0 w1"),
        ("max_tokens stream_options", "max_tokens"),
    ),
    (
        Row("u1", "refuse-max-tokens+forbid-stream-options+words-2", "learns-both", text="w0 w1"),
        (
            "max_tokens stream_options",
            "max_completion_tokens stream_options",
            "max_completion_tokens",
        ),
    ),
)
ROWS: Sequence[Row] = (
    Row("u1", "refuse-max-tokens+words-2", "renamed", text="w0 w1"),
    Row("u2", "forbid-stream-options+words-2", "without-options", text="w0 w1"),
    dialect_row("u4", "vllm-tags"),
    dialect_row("u4", "vllm-tags-later"),
    dialect_row("u4", "vllm-tags", model="tags-off", text="<think>\nhm</think>\n\nok", reasoning=""),
    Row("u4", "echo", "tags-open", text="ok", reasoning="hm", label="hm</think>ok"),
    _failed("u5", "no-credit-429", "upstream_no_credit"),
    _failed("u5", "no-credit-402", "upstream_no_credit"),
    Row("u6", "reasoning-3+length-0", status="incomplete", reasoning="r0 r1 r2", reason="max_output_tokens"),
    Row("u7", "words-2", "padded-key", text="w0 w1"),
    dialect_row("u8", "done-without-reason"),
    dialect_row("u8", "no-reason-no-done"),
    dialect_row("u9", "no-last-blank-line"),
    dialect_row("u9", "no-last-line-end"),
    dialect_row("u10", "openrouter-error", words="Provider disconnected"),
    dialect_row("u10", "vllm-abort"),
    dialect_row("u10", "deepseek-overloaded"),
    dialect_row("u10", "gemini-native-words"),
    dialect_row("u10", "gemini-safety"),
    dialect_row("u10", "openrouter-error-in-choice"),
    dialect_row("u10", "unknown-reason"),
    _failed("u11", "fast", "upstream_wrong_address", "no-v1"),
    _failed("u11", "fast", "upstream_wrong_address", "no-v1-nginx"),
    Row("u11", "words-2", "whole-address", text="w0 w1"),
    Row("u12", "words-2", "first-listed", text="w0 w1"),
    dialect_row("u13", "type-json"),
    dialect_row("u13", "type-plain"),
    dialect_row("u13", "type-none"),
    dialect_row("u13", "type-upper-case"),
    dialect_row("u13", "openai-completion"),
    dialect_row("u13", "openai-error-document", words="The server had an error", requests=3),
    dialect_row("u14", "mistral-magistral"),
    dialect_row("u15", "openai-refusal"),
    _failed("u16", "words-0", "empty_answer"),
    dialect_row("u16", "openai-function-call"),
    dialect_row("u16", "openai-tool-calls"),
    dialect_row("u16", "message-for-delta"),
    Row("u17", "words-2", "azure", text="w0 w1"),
    _failed("u18", "too-long-openai", "context_length_exceeded"),
    _failed("u18", "room-0", "context_length_exceeded"),
    Row("u18", "room-1000+words-2", text="w0 w1", requests=2),
    _failed("u18", "too-long-llamacpp", "context_length_exceeded"),
)
SILENT = Row("u3", "stall-first", PATIENT, "failed", code="timeout_first_token")
# a conversation that is longer than the small model's context
LONG_TALK = [f"[words-{CONTEXT // 4}] u18 turn {number}" for number in range(4)]


def catalog(root: str) -> str:
    """Return the TOML of the catalog; `root` is the upstream's address without a path."""
    common = {"key_env": "UPSTREAM_KEY", "max_output_tokens": LIMIT}
    tables = [
        {"name": name, "base_url": root + path, "upstream_model": name} | common | dict(fields)
        for name, (path, fields) in MODELS.items()
    ]
    return "\n".join(_table(fields) for fields in tables)


def _table(fields: Mapping[str, Any]) -> str:
    """JSON's strings, numbers and lists are TOML's, too."""
    return "\n".join(["[[models]]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items())])


@contextmanager
def model_servers(directory: Path) -> Iterator[Stack]:
    """Run it with one worker, which learns, and a second with the deadlines of the environment."""
    with running(directory, 1, None, catalog, PADDED_KEY=f" {KEY}\n") as stack:
        stack.control("cancel_consumer", "worker1", queue=PATIENT)
        start_patient(stack)
        stack.wait_for_workers(2)
        yield stack


def start_patient(stack: Stack) -> None:
    """Start the worker of the environment's model."""
    command = (*CELERY, "worker", "-n", f"{PATIENT}@test", "-Q", PATIENT)
    environment = {
        "TAILRACE_MODELS": "",
        "OPENAI_BASE_URL": stack.upstream.base_url,
        "OPENAI_MODEL": PATIENT,
        "OPENAI_API_KEY": KEY,
        "OPENAI_FIRST_TOKEN_SECONDS": str(FIRST_TOKEN_SECS),
    }
    stack.start(PATIENT, *command, **environment)
