"""The last lines of start-up: only a person sees them, so that they may have keys and passwords."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from project.up import guest_key
from project.up.environment import FLOWER_USER, REDIS_VARIABLES, Embedded
from project.up.parts import Options
from project.up.ports import HOST

LABEL_CHARS = 12
LOOPBACK = {"localhost", HOST, "::1"}


def summary(
    options: Options, embedded: Embedded, env: Mapping[str, str], answers: int, advice: Sequence[str] = ()
) -> str:
    """The summary; each worker runs `answers` at once. `advice`: lines below it."""
    page = f"http://{HOST}:{options.port}"
    rows = {
        "page": f"{page}/",
        "minimal page": f"{page}/minimal/",
        "API": _api(page, guest_key.read(options.data_dir)),
        "health": f"{page}/readyz",
        "Flower": _flower(options, env),
        "Redis": _redis(env),
        "database": masked(env.get("DATABASE_URL") or str(options.data_dir / "db.sqlite3")),
        "workers": f"{options.workers}, up to {answers} answers each",
        "model": _model(embedded, env),
        "data": str(options.data_dir),
        "stop": "Ctrl-C",
    }
    lines = [f"{label:<{LABEL_CHARS}}  {value}" for label, value in rows.items()]
    return "\n".join(["", "Tailrace runs.", "", *lines, "", *advice, *([""] if advice else [])])


def masked(url: str) -> str:
    """Hide credentials: before the last @, after the first ?."""
    return re.sub(r"//.*@", "//***@", url).partition("?")[0]


def _api(page: str, key: str) -> str:
    """The variables of OpenAI's SDKs; without a guest a key is made by hand."""
    address = f"OPENAI_BASE_URL={page}/v1"
    return f"{address} OPENAI_API_KEY={key}" if key else f"{address}, keys by `manage.py key create`"


def _redis(env: Mapping[str, str]) -> str:
    urls = [env.get(name) or env.get("REDIS_URL") or "" for name in REDIS_VARIABLES]
    return ", ".join(dict.fromkeys(map(masked, urls)))


def _flower(options: Options, env: Mapping[str, str]) -> str:
    if options.flower_port is None:
        return "off"
    user, _, password = env["FLOWER_BASIC_AUTH"].partition(":")
    shown = f"password {password}" if user == FLOWER_USER else "FLOWER_BASIC_AUTH"
    return f"http://{HOST}:{options.flower_port}/ (user {user}, {shown})"


def _model(embedded: Embedded, env: Mapping[str, str]) -> str:
    if models_file := env.get("TAILRACE_MODELS"):
        return f"those of {models_file}"
    place = masked(env.get("OPENAI_BASE_URL") or "https://api.openai.com/v1")
    is_here = embedded.model_port is not None or urlsplit(place).hostname in LOOPBACK
    where = "on this machine" if is_here else "elsewhere"
    name = env.get("OPENAI_MODEL") or "the first of GET /models"
    return f"{name}, {where} ({place})"
