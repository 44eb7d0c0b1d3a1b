"""All settings, read once from the environment and `.env`.

Without SECRET_KEY: development, DEBUG on, only for this machine. With it: deployment, DEBUG off, a missing
setting fails at start-up.
"""

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


class _Env(environ.Env):
    """An empty number is not set."""

    def get_value(self, var: str, cast: Any = None, default: Any = None, parse_default: bool = False) -> Any:
        if cast in (int, float) and not self.ENVIRON.get(var, "").strip():
            return default
        return super().get_value(var, cast, default, parse_default)


env = _Env()
# the doctor passes the whole environment of an `up`, whose `.env` may have changed since
if "TAILRACE_DOCTOR_CHECKS" not in os.environ and (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

# --- access -------------------------------------------------------------------------------------

SECRET_KEY = env.str("SECRET_KEY", default="")
DEBUG = env.bool("DEBUG", default=not SECRET_KEY)
if not SECRET_KEY:
    if not DEBUG:
        message = "SECRET_KEY is missing: set it to a long random string, or set DEBUG=1 for development."
        raise ImproperlyConfigured(message)
    SECRET_KEY = "development-only"  # noqa: S105 - DEBUG answers on loopback names only

LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOOPBACK_NAMES)
# origins (scheme, host, port) that may open a socket; a bare host: any port
TAILRACE_ORIGINS = env.list(
    "TAILRACE_ORIGINS",
    default=ALLOWED_HOSTS if DEBUG else [f"https://{host}" for host in ALLOWED_HOSTS],
)
CSRF_TRUSTED_ORIGINS = [origin for origin in TAILRACE_ORIGINS if "://" in origin]
# visitors become guests; otherwise they must sign in
TAILRACE_GUESTS = env.bool("TAILRACE_GUESTS", default=DEBUG)

if not DEBUG:
    SESSION_COOKIE_SECURE = env.bool("TAILRACE_SECURE_COOKIES", default=True)
    CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- installed applications ---------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",  # before staticfiles: runserver then serves sockets
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "project",
    "chat",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "project.csp.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "page"
LOGOUT_REDIRECT_URL = "page"
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- storage ------------------------------------------------------------------------------------

TAILRACE_DATA_DIR = Path(env.str("TAILRACE_DATA_DIR", default=str(BASE_DIR / ".tailrace")))
STATIC_URL = "static/"
# target of `collectstatic`; empty: serve the source, for `runserver`
STATIC_ROOT = env.str("TAILRACE_STATIC_ROOT", default="" if DEBUG else str(BASE_DIR / "staticfiles"))
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = not STATIC_ROOT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "project.storage.HashedFiles"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{TAILRACE_DATA_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    TAILRACE_DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    DATABASES["default"]["ENGINE"] = "project.sqlite"  # Django's, pooled
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # writers wait at the start, not fail at the end
        "timeout": 10,  # seconds of that wait
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # a file, for threads; one per test run
    DATABASES["default"]["TEST"] = {"NAME": TAILRACE_DATA_DIR / f"test-{os.getpid()}.sqlite3"}

if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    options = DATABASES["default"].setdefault("OPTIONS", {})
    options["connect_timeout"] = 3  # seconds

TAILRACE_REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "chat.transport.channel_layer.PipelinedChannelLayer",
        "CONFIG": {"hosts": [TAILRACE_REDIS_URL]},
    },
}

# --- models -------------------------------------------------------------------------------------

TAILRACE_MODELS = env.str("TAILRACE_MODELS", default="")
TAILRACE_OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="https://api.openai.com/v1")
TAILRACE_OPENAI_BASE_URL = TAILRACE_OPENAI_BASE_URL or "https://api.openai.com/v1"  # set and empty
TAILRACE_OPENAI_MODEL = env.str("OPENAI_MODEL", default="")
TAILRACE_OPENAI_MAX_OUTPUT_TOKENS = env.int("OPENAI_MAX_OUTPUT_TOKENS", default=16_384)
TAILRACE_OPENAI_CONTEXT = env.int("OPENAI_CONTEXT", default=0) or None  # tokens; 0: unknown
TAILRACE_OPENAI_DEADLINES = {
    "connect": env.float("OPENAI_CONNECT_SECONDS", default=10),
    "first_token": env.float("OPENAI_FIRST_TOKEN_SECONDS", default=300),
    "between_tokens": env.float("OPENAI_BETWEEN_TOKENS_SECONDS", default=60),
    "total": env.float("OPENAI_TOTAL_SECONDS", default=1800),
}
# after a lost worker "restart" the text, or "continue" where possible
TAILRACE_OPENAI_RESUME = env.str("OPENAI_RESUME", default="restart")

# --- workers ------------------------------------------------------------------------------------

CELERY_BROKER_URL = TAILRACE_REDIS_URL
CELERY_TASK_IGNORE_RESULT = True  # the row is the result
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.int("TAILRACE_CONCURRENCY", default=100)  # answers per worker process
# seconds for answers when a worker stops
TAILRACE_DRAIN_SECONDS = env.int("DRAIN_SECONDS", default=20)
# log the first characters of a refusal's body, which may hold what people wrote
TAILRACE_LOG_UPSTREAM_ERRORS = env.bool("TAILRACE_LOG_UPSTREAM_ERRORS", default=False)
CELERY_WORKER_DISABLE_PREFETCH = True  # jobs wait in the queue, for any worker
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_ACKS_LATE = False  # a second delivery does nothing
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # survive any outage
CELERY_BROKER_CHANNEL_ERROR_RETRY = True  # and a broker that rejects: full, or a replica
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,  # seconds
    "socket_timeout": 5,  # seconds, if the broker does not reply
    "socket_keepalive": True,
    "ack_emulation": False,  # a lost message does no harm
}
CELERY_IMPORTS = ["workers.tasks"]

# --- logging ------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    # Django would log twice, httpx2 every model request
    "loggers": {"django": {"handlers": []}, "httpx2": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO").upper()},
}
