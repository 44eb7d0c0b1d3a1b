"""Check the variables of the models' keys; no model is asked."""

import os
from collections.abc import Iterable, Mapping

from django.core.exceptions import ImproperlyConfigured

from chat.responses.model_catalog import DEMO, ModelConfig, catalog
from project.doctor.connection import Cause
from project.doctor.finding import Finding, UnavailableError, error, ok, warning
from project.up.summary import masked

LAST_LATIN_1 = "\xff"  # of a header


def examine() -> list[Finding]:
    """Check all models. Raises UnavailableError if they cannot be read."""
    return judged(models(), os.environ)


def models() -> list[ModelConfig]:
    """The models that have a server. Raises UnavailableError."""
    try:
        return [model for model in catalog().values() if model.name != DEMO]
    except ImproperlyConfigured as trouble:  # its text names the file or the variable
        raise UnavailableError(
            "models", str(trouble), "Correct it: docs/models.md has an entry for each kind of server."
        ) from trouble


def judged(models: Iterable[ModelConfig], environ: Mapping[str, str]) -> list[Finding]:
    """Check `environ` for each model's key."""
    return [_judged(model, environ) for model in models]


def _judged(model: ModelConfig, environ: Mapping[str, str]) -> Finding:
    what, place = f"model {model.name}", masked(model.base_url)
    if fault := key_fault(model, environ):
        return error(what, f"{place}, {fault.found}", fault.remedy)
    if environ.get(model.key_env):
        return ok(what, f"{place}, {model.key_env} is set")
    remedy = f"Set {model.key_env} where the workers run, unless this server needs no key (a local one)."
    return warning(what, f"{place}, {model.key_env} is not set here", remedy)


def key_fault(model: ModelConfig, environ: Mapping[str, str]) -> Cause | None:
    """The fault of a key that no header can carry; white space around it is cut. Never the key."""
    key = environ.get(model.key_env, "").strip()
    if not key.isprintable():
        kind = "a control character"
    elif any(char > LAST_LATIN_1 for char in key):
        kind = "a character outside Latin-1"
    else:
        return None
    remedy = f"Copy the whole key into {model.key_env} again: it may be shortened (…), or have two lines."
    return Cause(f"{model.key_env} holds {kind}", remedy)
