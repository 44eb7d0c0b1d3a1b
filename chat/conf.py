"""Tailrace's own settings, `TAILRACE_<name>` in Django's, each with a default: a project need not name them.

They are read when they are used, never at import: `conf.REDIS_URL` is `settings.TAILRACE_REDIS_URL`.
"""

from typing import Any, Generic, TypeVar, cast

from django.conf import settings

Value = TypeVar("Value")


class Setting(Generic[Value]):
    """One setting with the value that it has when the project does not name it."""

    def __init__(self, default: Value) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"TAILRACE_{name}"

    def __get__(self, instance: object, owner: type) -> Value:
        """The value in Django's settings now."""
        value: Any = getattr(settings, self.name, self.default)
        return cast("Value", value)


class Conf:
    """Every setting that `chat` and `workers` read."""

    REDIS_URL = Setting("redis://127.0.0.1:6379/0")
    ORIGINS = Setting[list[str]]([])  # full origins of the pages that may open a socket; none: no page may
    GUESTS = Setting(default=False)  # a visitor without an account gets a guest user
    MODELS = Setting("")  # the path of a TOML file; empty: one model, from the four settings that follow
    OPENAI_BASE_URL = Setting("https://api.openai.com/v1")
    OPENAI_MODEL = Setting("")
    OPENAI_MAX_OUTPUT_TOKENS = Setting(4096)
    OPENAI_RESUME = Setting[Any]("restart")  # or "continue": what to do with the text after a lost worker
    DRAIN_SECONDS = Setting(20)  # how long the answers of a worker that stops may go on


conf = Conf()
