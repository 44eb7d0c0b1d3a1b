"""Read keys and header values of models from the environment. Pure; no message holds a value."""

import re
from collections.abc import Iterable, Mapping

from chat.responses.model_catalog import ModelConfig

_REFERENCE = re.compile(r"\$([A-Za-z_]\w*)")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class UnusableKeyError(ValueError):
    """A variable, or a header of the catalog, that no request can carry."""


def key_of(model: ModelConfig, environ: Mapping[str, str]) -> str:
    """The model's key without white space around it; "" if not set. Raises UnusableKeyError."""
    key = _printable(environ.get(model.key_env, ""), model.key_env)
    if " " in key:
        message = f"{model.key_env} holds white space: a key has none"
        raise UnusableKeyError(message)
    return key


def headers_of(model: ModelConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """The model's own headers, with the values of their variables. Raises UnusableKeyError."""
    if wrong := [name for name in (*model.headers, model.key_header) if name and not _is_header(name)]:
        message = f"model {model.name}: {wrong[0]!r} cannot be the name of a header"
        raise UnusableKeyError(message)
    return {name: _value(model, name, value, environ) for name, value in model.headers.items()}


def faults(models: Iterable[ModelConfig], environ: Mapping[str, str]) -> list[str]:
    """One sentence for each key or header that no request can carry."""
    found = []
    for model in models:
        if not model.program:
            try:
                key_of(model, environ)
                headers_of(model, environ)
            except UnusableKeyError as error:
                found.append(str(error))
    return list(dict.fromkeys(found))  # models share variables


def _value(model: ModelConfig, name: str, value: str, environ: Mapping[str, str]) -> str:
    """The value with the variables that it names, as in `Bearer $TOKEN`."""

    def variable(reference: re.Match[str]) -> str:
        if reference[1] not in environ:
            message = f"{reference[1]} is not set: model {model.name} needs it for the header {name}"
            raise UnusableKeyError(message)
        return _printable(environ[reference[1]], reference[1])

    return _printable(_REFERENCE.sub(variable, value), f"model {model.name}: the header {name}")


def _printable(value: str, place: str) -> str:
    value = value.strip()
    if not value.isascii():
        message = f"{place} holds a character that is not ASCII, such as … or a typographic quote"
        raise UnusableKeyError(message)
    if not value.isprintable():
        message = f"{place} holds a line break or another control character"
        raise UnusableKeyError(message)
    return value


def _is_header(name: str) -> bool:
    return _HEADER_NAME.fullmatch(name) is not None
