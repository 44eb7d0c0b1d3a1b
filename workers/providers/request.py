"""Build one request to a model's server. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from chat.protocol.events import JSON
from chat.protocol.parameters import WITH_TOOLS, in_chat_form
from chat.responses.model_catalog import ModelConfig
from chat.responses.model_keys import headers_of, key_of
from chat.responses.prompt import parameter_tokens, tokens
from workers.providers.changes import LIMIT_FIELDS, LIMITS, NEEDED, Learned, LimitField

_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".azure-api.net")
MIN_ROOM = 256  # tokens for the answer, however long the prompt seems
_NO_KEY = "none"  # some servers refuse a request without any key


@dataclass(frozen=True, slots=True)
class Request:
    """Chat messages `[{"role", "content"}]`, limits, and the fields that the client asked for.

    Tools are in the form of the Responses API.
    """

    messages: list[JSON]
    max_output_tokens: int | None = None
    temperature: float | None = None
    parameters: JSON = field(default_factory=dict)


def request_body(
    model: ModelConfig, upstream_model: str, request: Request, learned: Learned, room: int | None = None
) -> JSON:
    """The JSON body. `room`: tokens left of the context for this request; 0: send no limit."""
    without = learned.without.union(model.without) - NEEDED
    fields: JSON = {**request.parameters, "stream": True, "stream_options": {"include_usage": True}}
    if request.temperature is not None:
        fields["temperature"] = request.temperature
    fields |= {name: value for name, value in model.parameters.items() if name not in LIMIT_FIELDS}
    limit_field, limit = limit_field_of(model, without), limit_of(model, request, learned, room)
    if limit_field and limit:
        fields[limit_field] = limit
    if "tools" not in fields or "tools" in without:
        without = without.union(WITH_TOOLS)
    kept = {name: value for name, value in fields.items() if name not in without}
    return {**in_chat_form(kept), "model": upstream_model, "messages": request.messages}


def limit_of(model: ModelConfig, request: Request, learned: Learned, room: int | None) -> int | None:
    """The lowest limit of the answer; None: there is none, or no room."""
    own = [model.parameters.get(name) for name in LIMITS]
    limits = [
        n for n in (request.max_output_tokens, model.max_output_tokens, *own) if isinstance(n, int) and n
    ]
    if not limits or room == 0:
        return None
    contexts = [n for n in (model.context, learned.context) if n]
    if contexts:
        sent = tokens(request.messages) + parameter_tokens({**request.parameters, **model.parameters})
        limits.append(max(MIN_ROOM, min(contexts) - sent))
    return min(n for n in (*limits, learned.limit, room) if n)


def limit_field_of(model: ModelConfig, without: set[str]) -> LimitField | None:
    """The limit's name that the server takes; None if it refuses both.

    Newer OpenAI models accept only the new name, many servers only the old.
    """
    of_openai = urlsplit(model.base_url).hostname == "api.openai.com"
    own = next((name for name in LIMIT_FIELDS if name in model.parameters), None)
    first = model.limit_field or own or LIMIT_FIELDS[of_openai]
    names = sorted(LIMIT_FIELDS, key=lambda name: name != first)
    return next((name for name in names if name not in without), None)


def request_headers(model: ModelConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """The key's header, and the model's own, which take precedence. Raises UnusableKeyError."""
    key, own = key_of(model, environ) or _NO_KEY, headers_of(model, environ)
    name = model.key_header or _key_header(model.base_url)
    value = f"Bearer {key}" if name.lower() == "authorization" else key
    return own if name.lower() in map(str.lower, own) else {name: value, **own}


def _key_header(base_url: str) -> str:
    return "api-key" if (urlsplit(base_url).hostname or "").endswith(_AZURE) else "Authorization"
