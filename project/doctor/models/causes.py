"""Find the cause of a failed question: the remedy of its code, sharpened by a few more requests."""

import difflib
import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from chat.conf import conf
from chat.responses.model_catalog import ModelConfig
from chat.responses.remedies import REMEDIES
from project.doctor.models import connection
from project.doctor.models.connection import Cause
from workers.providers.probe import Listing, listed

SHOWN = 5  # models by name
NAME_CHARS = 80
CONNECTING = {"upstream_unreachable", "timeout_connect"}
ADDRESSES = {"upstream_wrong_address", "upstream_not_found", "upstream_malformed", "upstream_rejected"}
NAMES = {"upstream_not_found", "upstream_rejected"}
PREFIXES = ("/v1", "/openai/v1", "/api/v1", "/v1beta/openai")  # the paths of known servers
VARIABLES = {
    "base_url": "OPENAI_BASE_URL",
    "upstream_model": "OPENAI_MODEL",
    "context": "OPENAI_CONTEXT",
    "max_output_tokens": "OPENAI_MAX_OUTPUT_TOKENS",
    "connect": "OPENAI_CONNECT_SECONDS",
    "first_token": "OPENAI_FIRST_TOKEN_SECONDS",
    "between_tokens": "OPENAI_BETWEEN_TOKENS_SECONDS",
    "total": "OPENAI_TOTAL_SECONDS",
}


def cause(model: ModelConfig, code: str, listing: Listing, environ: Mapping[str, str]) -> Cause | None:
    """The cause of `code`, or None if only the code is known."""
    found = _of_connection(model, code, listing)
    if found is None and code == "upstream_unauthorized":
        found = _of_key(model, environ)
    if found is None and code in ADDRESSES:
        found = _of_address(model, listing)
    if found is None and code in NAMES:
        found = _of_name(model.upstream_model, listing)
    if found is None and code.startswith("timeout_"):
        secs = getattr(model.deadlines, code.removeprefix("timeout_"))
        found = Cause(f"The limit is {secs:g} s.", remedy_of(code))
    return found


def remedy_of(code: str) -> str:
    """The operator's remedy; without a catalog, variables in place of its fields."""
    known = {} if conf.MODELS else VARIABLES
    return re.sub(r"`(\w+)`", lambda field: known.get(field[1], field[0]), REMEDIES[code])


def line(field: str, value: object) -> str:
    """The setting to write: in the catalog, or in the environment if it has no catalog."""
    if not conf.MODELS and field in VARIABLES:
        return f"{VARIABLES[field]}={value}"
    return f"{field} = " + (f'"{value}"' if isinstance(value, str) else str(value).lower())


def names(listing: Listing) -> str:
    """Some listed models."""
    shown = [name[:NAME_CHARS] for name in listing.names[:SHOWN]]
    return ", ".join([*shown, *(["…"] if len(listing.names) > SHOWN else [])])


def _of_connection(model: ModelConfig, code: str, listing: Listing) -> Cause | None:
    """Also after a reply that is no API's: a server of TLS answers http with a page, or closes."""
    if code in CONNECTING or not listing.is_api:
        return connection.cause(model.base_url, min(connection.SECS, model.deadlines.connect))
    return None


def _of_key(model: ModelConfig, environ: Mapping[str, str]) -> Cause:
    if not environ.get(model.key_env):
        return Cause(f"{model.key_env} is not set here.", f"Set {model.key_env} where the workers run.")
    remedy = f"Correct the key in {model.key_env} where the workers run."
    return Cause(f"The key is from {model.key_env}.", remedy)


def _of_address(model: ModelConfig, listing: Listing) -> Cause | None:
    if listing.status == HTTPStatus.OK and listing.is_api:
        return None
    if "/openai/deployments/" in model.base_url and "api-version" not in model.query:
        remedy = f"Add it to the base URL: {line('base_url', f'{model.base_url}?api-version=2024-10-21')}"
        return Cause("The address has no api-version.", remedy)
    if listing.location:
        place = listing.location[:NAME_CHARS]
        return Cause(f"It redirects to {place}.", f"Write {line('base_url', place)}")
    for candidate in _candidates(model.base_url):
        if _is_server(listed(model, candidate)):
            return Cause(
                f"Nothing is at this path, but at {candidate}.", f"Write {line('base_url', candidate)}"
            )
    return None


def _candidates(base_url: str) -> list[str]:
    """Addresses of the same server, without the given one."""
    url = urlsplit(base_url)
    root = f"{url.scheme}://{url.netloc}"
    found = [base_url + PREFIXES[0], *(root + prefix for prefix in PREFIXES), root]
    return [each for each in dict.fromkeys(found) if each != base_url]


def _is_server(listing: Listing) -> bool:
    """It lists models, or asks an API's way for another key."""
    return bool(listing.names) or (listing.is_api and listing.status in (401, 403))


def _of_name(name: str, listing: Listing) -> Cause | None:
    if listing.status != HTTPStatus.OK or not listing.is_api or name in listing.names:
        return None
    if not listing.names:
        return Cause("It has no model.", "Load one at the server (Ollama: ollama pull NAME).")
    if not name:
        remedy = f"Load a model for chat, or name it: {line('upstream_model', 'NAME')}"
        return Cause(f"It lists none for chat, but {names(listing)}.", remedy)
    near = difflib.get_close_matches(name, listing.names, n=1, cutoff=0.5)
    best = near[0] if near else listing.first or listing.names[0]
    found = f"It has no {name[:NAME_CHARS]}, but {names(listing)}."
    return Cause(found, f"Write {line('upstream_model', best[:NAME_CHARS])}")
