"""Check that the models' key variables are set; no model is asked."""

import os
from collections.abc import Iterable, Mapping

from django.core.exceptions import ImproperlyConfigured

from chat.responses.model_catalog import DEMO, ModelConfig, catalog
from project.doctor.finding import Finding, UnavailableError, ok, warning
from project.up.summary import masked


def examine() -> list[Finding]:
    """Check all models. Raises UnavailableError if they cannot be read."""
    try:
        models = catalog().values()
    except ImproperlyConfigured as trouble:  # its text names the file
        raise UnavailableError(
            "models", str(trouble), "Correct the file: docs/configuration.md shows the format."
        ) from trouble
    return judged([model for model in models if model.name != DEMO], os.environ)


def judged(models: Iterable[ModelConfig], environ: Mapping[str, str]) -> list[Finding]:
    """Check `environ` for each model's key."""
    return [_judged(model, bool(environ.get(model.key_env))) for model in models]


def _judged(model: ModelConfig, has_key: bool) -> Finding:
    what, place = f"model {model.name}", masked(model.base_url)
    if has_key:
        return ok(what, f"{place}, {model.key_env} is set")
    remedy = f"Set {model.key_env} where the workers run, unless this server needs no key (a local one)."
    return warning(what, f"{place}, {model.key_env} is not set here", remedy)
