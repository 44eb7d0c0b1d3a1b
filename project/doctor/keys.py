"""Check the variables of the models' keys, and load the programs; no model is asked."""

import os
from collections.abc import Iterable, Mapping

from django.core.exceptions import ImproperlyConfigured

from chat.conf import conf
from chat.responses.model_catalog import DEMO, ModelConfig, catalog
from chat.responses.model_keys import faults
from chat.responses.model_programs import UnusableProgramError, load
from project.doctor.finding import Finding, UnavailableError, error, ok, warning
from project.doctor.models.connection import Cause
from project.up.summary import masked


def examine() -> list[Finding]:
    """Check all models. Raises UnavailableError if they cannot be read."""
    found = models()
    return [*judged(found, os.environ), *of_titles(found, conf.TITLE_MODEL)]


def models() -> list[ModelConfig]:
    """The configured models. Raises UnavailableError."""
    try:
        return [model for model in catalog().values() if model.name != DEMO]
    except ImproperlyConfigured as trouble:  # its text names the file or the variable
        raise UnavailableError(
            "models", str(trouble), "Correct it: docs/models.md has an entry for each kind of server."
        ) from trouble


def judged(models: Iterable[ModelConfig], environ: Mapping[str, str]) -> list[Finding]:
    """Check `environ` for each model's key; load each program."""
    return [_of_program(model) if model.program else _judged(model, environ) for model in models]


def of_titles(models: Iterable[ModelConfig], name: str) -> list[Finding]:
    """Check the model that names conversations, if one does."""
    what, remedy = (
        "title model",
        "Set TAILRACE_TITLE_MODEL to a model of the catalog with a server, or unset it.",
    )
    model = next((each for each in models if each.name == name), None)
    if not name:
        return []
    if model is None:
        return [error(what, "the catalog has no model with this name: no conversation is named", remedy)]
    if model.program:
        return [error(what, "it is a program: no conversation is named", remedy)]
    return [ok(what, name)]


def _of_program(model: ModelConfig) -> Finding:
    what = f"model {model.name}"
    try:
        load(model)
    except UnusableProgramError as fault:
        return error(what, str(fault).removeprefix(f"{what}: "), fault.remedy)
    return ok(what, f"program {model.program}")


def _judged(model: ModelConfig, environ: Mapping[str, str]) -> Finding:
    what, place = f"model {model.name}", masked(model.base_url)
    if fault := key_fault(model, environ):
        return error(what, f"{place}, {fault.found}", fault.remedy)
    if environ.get(model.key_env):
        return ok(what, f"{place}, {model.key_env} is set")
    remedy = f"Set {model.key_env} where the workers run, unless this server needs no key (a local one)."
    return warning(what, f"{place}, {model.key_env} is not set here", remedy)


def key_fault(model: ModelConfig, environ: Mapping[str, str]) -> Cause | None:
    """The first key or header of a model that no request can carry. Never its value."""
    found = faults([model], environ)
    return Cause(found[0], "Correct it where the workers run: docs/models.md.") if found else None
