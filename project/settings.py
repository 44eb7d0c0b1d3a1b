"""All settings, read once from the environment and `.env`.

Without SECRET_KEY: development, DEBUG on, only for this machine. With it: deployment, DEBUG off. Settings
that would open a deployment to everybody fail at start-up.
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from project.access import unsafe
from project.environment import Environment
from project.prefix import default_prefix

BASE_DIR = Path(__file__).resolve().parent.parent

# the doctor and `up` pass a whole environment: `.env` may have changed since, and names withheld keys
is_whole = "TAILRACE_DOCTOR_CHECKS" in os.environ or "TAILRACE_IN_UP" in os.environ
env = Environment(None if is_whole else BASE_DIR / ".env")

# --- access -------------------------------------------------------------------------------------

SECRET_KEY = env.text("SECRET_KEY")
DEBUG = env.flag("DEBUG", default=not SECRET_KEY)

LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", default=LOOPBACK_NAMES)
# origins (scheme, host, port) that may open a socket; with DEBUG also a bare host: any port
TAILRACE_ORIGINS = env.names(
    "TAILRACE_ORIGINS",
    default=ALLOWED_HOSTS if DEBUG else [f"https://{host}" for host in ALLOWED_HOSTS],
)
CSRF_TRUSTED_ORIGINS = [origin for origin in TAILRACE_ORIGINS if "://" in origin]
if found := unsafe(debug=DEBUG, key=SECRET_KEY, hosts=ALLOWED_HOSTS, origins=TAILRACE_ORIGINS):
    raise ImproperlyConfigured("; ".join(found) + ".")
SECRET_KEY = SECRET_KEY or "development-only"  # DEBUG answers on loopback names only

# visitors become guests; otherwise they must sign in
TAILRACE_GUESTS = env.flag("TAILRACE_GUESTS", default=DEBUG)
# guests may have API keys: only those of `manage.py up`, which listens on this machine
TAILRACE_GUEST_KEYS = "TAILRACE_IN_UP" in os.environ

# owners may share a conversation by a link; off: existing links give no access
TAILRACE_SHARING = env.flag("TAILRACE_SHARING", default=True)

# browsers reach this site by https only
TAILRACE_HTTPS = env.flag("TAILRACE_HTTPS", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TAILRACE_HTTPS
SECURE_HSTS_SECONDS = env.number("TAILRACE_HSTS_SECONDS", default=3600) * TAILRACE_HTTPS
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS of subdomains, which may be other sites
    "security.W008",  # the proxy that ends TLS redirects http
    "security.W021",  # preload lists are for the owner of the domain
]
# cookies know no port: other sites of this host have their own names
COOKIES = ("__Host-" if TAILRACE_HTTPS else "") + "tailrace"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIES}_session", f"{COOKIES}_csrf"
SESSION_COOKIE_AGE = env.number("TAILRACE_SESSION_HOURS", default=336, least=1) * 3600  # since the last visit
DEFAULT_EXCEPTION_REPORTER_FILTER = "project.redaction.Redaction"
# proxies in front that set X-Forwarded-For and X-Forwarded-Proto; 0: both are ignored
TAILRACE_PROXIES = env.number("TAILRACE_PROXIES", default=0)

# --- installed applications ---------------------------------------------------------------------

INSTALLED_APPS = [
    "project",  # before daphne: its `runserver` has limits
    "daphne",  # before staticfiles: runserver then serves sockets
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "chat",
]
MIDDLEWARE = [
    "chat.ops.middleware.health_checks",  # first: for any Host, without a redirect
    "django.middleware.security.SecurityMiddleware",
    "project.form_charset.utf8_forms",
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

TAILRACE_DATA_DIR = Path(env.text("TAILRACE_DATA_DIR", default=str(BASE_DIR / ".tailrace")))
STATIC_URL = "static/"
# target of `collectstatic`; empty: serve the source, for `runserver`
STATIC_ROOT = env.text("TAILRACE_STATIC_ROOT", default="" if DEBUG else str(BASE_DIR / "staticfiles"))
TAILRACE_BROTLI = "TAILRACE_IN_UP" not in os.environ  # it takes most of the time, for nothing on loopback
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = not STATIC_ROOT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "project.storage.HashedFiles" if STATIC_ROOT else "project.storage.PlainFiles",
    },
    # of users; web processes and workers share it
    "files": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": TAILRACE_DATA_DIR / "files",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}
backend, options = env.text("TAILRACE_FILES_STORAGE"), env.options("TAILRACE_FILES_OPTIONS")
if backend:
    STORAGES["files"] = {"BACKEND": backend, "OPTIONS": options}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SQLITE_URL = f"sqlite:///{quote(str(TAILRACE_DATA_DIR / 'db.sqlite3'))}"
DATABASES = {"default": env.database("DATABASE_URL", default=SQLITE_URL)}
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

# open PostgreSQL connections per process; 0: none, for PgBouncer in transaction mode
TAILRACE_DB_POOL = env.number("TAILRACE_DB_POOL", default=16)
# of the server itself, if DATABASE_URL is PgBouncer's
if env.text("MIGRATE_DATABASE_URL") and sys.argv[1:2] == ["migrate"]:
    DATABASES["default"] = env.database("MIGRATE_DATABASE_URL", default="")
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["ENGINE"] = "project.postgres"  # Django's, with pools that survive forks
    DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)  # the server may have restarted
    options = DATABASES["default"].setdefault("OPTIONS", {})
    options.setdefault("connect_timeout", 3)  # seconds
    options.setdefault("tcp_user_timeout", 10_000)  # ms until a silent network counts as lost
    options.setdefault("fallback_application_name", "tailrace")  # of commands: see `project/postgres`

# the reaper deletes old rows every hour, as `manage.py tidy` does; days without activity, 0: never
TAILRACE_TIDY = env.flag("TAILRACE_TIDY", default=True)
TAILRACE_GUEST_DAYS = env.number("TAILRACE_GUEST_DAYS", default=30)  # guests with all of theirs
TAILRACE_DELETED_DAYS = env.number("TAILRACE_DELETED_DAYS", default=30)  # deleted conversations
TAILRACE_KEEP_DAYS = env.number("TAILRACE_KEEP_DAYS", default=0)  # all conversations

# of everything in Redis; deployments with different ones can share it
TAILRACE_PREFIX = env.text("TAILRACE_PREFIX") or default_prefix(SECRET_KEY, DATABASES["default"])
REDIS_URL = env.redis("REDIS_URL", default="redis://127.0.0.1:6379/0")
TAILRACE_BROKER_URL = env.redis("TAILRACE_BROKER_URL", default=REDIS_URL)
TAILRACE_LOG_URL = env.redis("TAILRACE_LOG_URL", default=REDIS_URL)
TAILRACE_LAYER_URL = env.redis("TAILRACE_LAYER_URL", default=REDIS_URL)
# the log of an ended response is kept so long for late readers
TAILRACE_EVENT_LOG_SECONDS = env.number("TAILRACE_EVENT_LOG_SECONDS", default=300, least=1)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "chat.transport.channel_layer.PipelinedChannelLayer",
        "CONFIG": {"hosts": [TAILRACE_LAYER_URL], "prefix": TAILRACE_PREFIX},
    },
}

# --- models -------------------------------------------------------------------------------------

TAILRACE_MODELS = env.text("TAILRACE_MODELS", default="")
TAILRACE_OPENAI_BASE_URL = env.text("OPENAI_BASE_URL", default="https://api.openai.com/v1")
TAILRACE_OPENAI_MODEL = env.text("OPENAI_MODEL", default="")
TAILRACE_OPENAI_MAX_OUTPUT_TOKENS = env.number("OPENAI_MAX_OUTPUT_TOKENS", default=16_384, least=1)
TAILRACE_OPENAI_CONTEXT = env.number("OPENAI_CONTEXT", default=0) or None  # tokens; 0: unknown
TAILRACE_OPENAI_DEADLINES = {
    "connect": env.seconds("OPENAI_CONNECT_SECONDS", default=10),
    "first_token": env.seconds("OPENAI_FIRST_TOKEN_SECONDS", default=300),
    "between_tokens": env.seconds("OPENAI_BETWEEN_TOKENS_SECONDS", default=60),
    "total": env.seconds("OPENAI_TOTAL_SECONDS", default=1800),
}
# after a lost worker "restart" the text, or "continue" where possible
TAILRACE_OPENAI_RESUME = env.choice("OPENAI_RESUME", default="restart", choices=("restart", "continue"))

# names conversations, from their first question and answer; empty: titles are the beginnings of questions
TAILRACE_TITLE_MODEL = env.text("TAILRACE_TITLE_MODEL", default="")

# --- limits -------------------------------------------------------------------------------------

# of one user, of one guest: answers that run; those held until one ends, beyond which a question is refused
TAILRACE_MAX_RUNNING = env.number("TAILRACE_MAX_RUNNING", default=8, least=1)
TAILRACE_MAX_WAITING = env.number("TAILRACE_MAX_WAITING", default=50)
TAILRACE_GUEST_MAX_RUNNING = env.number("TAILRACE_GUEST_MAX_RUNNING", default=2, least=1)
TAILRACE_GUEST_MAX_WAITING = env.number("TAILRACE_GUEST_MAX_WAITING", default=5)
# of a program's request
TAILRACE_API_BODY_BYTES = env.number("TAILRACE_API_BODY_BYTES", default=10 * 1024 * 1024, least=1)
# origins (scheme, host, port) whose pages may use the API with a key
TAILRACE_API_ORIGINS = env.names("TAILRACE_API_ORIGINS", default=[])
# of one user's programs, in all web processes; 0: any number
TAILRACE_API_REQUESTS_PER_MINUTE = env.number("TAILRACE_API_REQUESTS_PER_MINUTE", default=0)
# of one user, in one web process
TAILRACE_MAX_SOCKETS = env.number("TAILRACE_MAX_SOCKETS", default=20, least=1)
# of one file; the number and the size of all files of one user, of one guest
TAILRACE_FILE_MIB = env.number("TAILRACE_FILE_MIB", default=10, least=1)
TAILRACE_MAX_FILES = env.number("TAILRACE_MAX_FILES", default=1000)
TAILRACE_MAX_FILES_MIB = env.number("TAILRACE_MAX_FILES_MIB", default=1000)
TAILRACE_GUEST_MAX_FILES = env.number("TAILRACE_GUEST_MAX_FILES", default=50)
TAILRACE_GUEST_MAX_FILES_MIB = env.number("TAILRACE_GUEST_MAX_FILES_MIB", default=100)

# --- webhooks -----------------------------------------------------------------------------------

# networks that are not public and that webhooks may reach, also by plain http; others: https only
TAILRACE_WEBHOOK_PRIVATE = env.networks("TAILRACE_WEBHOOK_PRIVATE")

# --- workers; Celery's settings are in celery_settings.py --------------------------------------

# answers per worker process
TAILRACE_CONCURRENCY = env.number("TAILRACE_CONCURRENCY", default=100, least=1)
# seconds for answers when a worker stops
TAILRACE_DRAIN_SECONDS = env.number("DRAIN_SECONDS", default=20)
# port of a worker's /healthz; 0: none
TAILRACE_HEALTH_PORT = env.number("TAILRACE_HEALTH_PORT", default=0)
# seconds over which a stopping web process closes its sockets
TAILRACE_WEB_DRAIN_SECONDS = env.number("WEB_DRAIN_SECONDS", default=30)
# log the first characters of a refusal's body, and exceptions of programs: they may hold what people wrote
TAILRACE_LOG_UPSTREAM_ERRORS = env.flag("TAILRACE_LOG_UPSTREAM_ERRORS", default=False)

# --- logging ------------------------------------------------------------------------------------

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_LEVEL = env.choice("LOG_LEVEL", default="INFO", choices=LOG_LEVELS)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    # Django would log twice, httpx2 every model request, the pool every query
    "filters": {
        "one_line": {"()": "project.server.access_log.OneLine"},
        "no_probes": {"()": "project.server.access_log.NoProbes"},
    },
    "loggers": {
        "django": {"handlers": []},
        "django.request": {"filters": ["no_probes", "one_line"]},
        # by anybody, with a traceback
        **{
            f"django.security.{name}": {"filters": ["one_line"]}
            for name in (
                "DisallowedHost",
                "RequestDataTooBig",
                "SuspiciousOperation",
                "TooManyFieldsSent",
                "csrf",
            )
        },
        "httpx2": {"level": "WARNING"},
        "psycopg.pool": {"level": "WARNING"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
