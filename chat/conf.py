"""Tailrace's settings, each with a default: docs/configuration.md.

`conf.LOG_URL` reads Django's `TAILRACE_LOG_URL` at use, never at import.
"""

from typing import Any, Generic, TypeVar, cast

from django.conf import settings

Value = TypeVar("Value")


class Setting(Generic[Value]):
    """A setting and its default."""

    def __init__(self, default: Value) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"TAILRACE_{name}"

    def __get__(self, instance: object, owner: type) -> Value:
        value: Any = getattr(settings, self.name, self.default)
        return cast("Value", value)


class Conf:
    """All settings of `chat` and `workers`."""

    LOG_URL = Setting("redis://127.0.0.1:6379/0")
    PREFIX = Setting("tailrace")  # of everything in Redis
    EVENT_LOG_SECONDS = Setting(300)  # that a log is kept after its row has the end
    ORIGINS = Setting[list[str]]([])
    GUESTS = Setting(default=False)
    GUEST_KEYS = Setting(default=False)  # guests may have API keys
    PROXIES = Setting(0)
    SHARING = Setting(default=True)
    MODELS = Setting("")  # path of a TOML file; empty: one model, from the next settings
    OPENAI_BASE_URL = Setting("https://api.openai.com/v1")
    OPENAI_MODEL = Setting("")
    OPENAI_MAX_OUTPUT_TOKENS = Setting(16_384)
    OPENAI_CONTEXT = Setting[int | None](None)
    OPENAI_DEADLINES = Setting[dict[str, float]]({})
    OPENAI_RESUME = Setting[Any]("restart")  # or "continue"
    TITLE_MODEL = Setting("")  # of the catalog; empty: titles are the beginnings of questions
    API_BODY_BYTES = Setting(10 * 1024 * 1024)  # one request
    API_ORIGINS = Setting[list[str]]([])  # their pages may use the API
    API_REQUESTS_PER_MINUTE = Setting(0)  # of one owner; 0: any number
    MAX_SOCKETS = Setting(20)  # of one owner, in one web process
    MAX_RUNNING = Setting(8)  # an owner's answers at once; further ones are held
    MAX_WAITING = Setting(50)  # held ones; further ones are refused
    GUEST_MAX_RUNNING = Setting(2)
    GUEST_MAX_WAITING = Setting(5)
    FILE_MIB = Setting(10)  # one file
    MAX_FILES = Setting(1_000)  # of one owner
    MAX_FILES_MIB = Setting(1_000)  # all of them
    GUEST_MAX_FILES = Setting(50)
    GUEST_MAX_FILES_MIB = Setting(100)
    WEBHOOK_PRIVATE = Setting[list[str]]([])  # networks that webhooks may reach, also without TLS
    LOG_UPSTREAM_ERRORS = Setting(default=False)
    DRAIN_SECONDS = Setting(20)
    WEB_DRAIN_SECONDS = Setting(30)
    HEALTH_PORT = Setting(0)
    TIDY = Setting(default=True)  # a worker runs `chat.retention` every hour
    GUEST_DAYS = Setting(30)  # 0: for ever; also below
    DELETED_DAYS = Setting(30)
    KEEP_DAYS = Setting(0)


conf = Conf()
