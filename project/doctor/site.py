"""Check a deployment's settings, also by Django's checks."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Tags, run_checks

from project.doctor.finding import Finding, error, ok, warning

LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
KEY = {"security.W009"}
COOKIES = {f"security.W0{number}" for number in (10, 11, 12, 16)}
# HSTS and redirects are the proxy's; DEBUG and hosts are judged here
LEFT_OUT = {"security.W004", "security.W008", "security.W018", "security.W020"}


@dataclass(frozen=True, slots=True)
class Site:
    """The checked settings."""

    debug: bool
    hosts: Sequence[str]
    origins: Sequence[str]


def examine() -> list[Finding]:
    """Check the settings of this process."""
    site = Site(settings.DEBUG, settings.ALLOWED_HOSTS, settings.TAILRACE_ORIGINS)
    if site.debug:  # the rest is for deployments
        return [debug(site)]
    messages = run_checks(tags=[Tags.security], include_deployment_checks=True)
    return [debug(site), hosts(site), origins(site), *checked(messages)]


def debug(site: Site) -> Finding:
    """Check that DEBUG is off, or limited to this machine."""
    if not site.debug:
        return ok("DEBUG", "off")
    if set(site.hosts) <= LOOPBACK:
        remedy = "For a deployment set SECRET_KEY, without DEBUG; then the other settings are checked."
        return warning("DEBUG", "on: a development checkout", remedy)
    remedy = "Set SECRET_KEY and DEBUG=0: visitors see settings and code whenever there is an error."
    return error("DEBUG", f"on, and reachable as {', '.join(site.hosts)}", remedy)


def hosts(site: Site) -> Finding:
    """Check for listed host names."""
    if "*" in site.hosts:
        remedy = "List the hosts of this site: a visitor may send any other, and links are built from it."
        return warning("ALLOWED_HOSTS", "*", remedy)
    if not site.hosts:
        return error("ALLOWED_HOSTS", "empty", "List the hosts of this site: it accepts none.")
    return ok("ALLOWED_HOSTS", ", ".join(site.hosts))


def origins(site: Site) -> Finding:
    """Check for full origins: browsers send cookies from any page."""
    found = ", ".join(site.origins)
    remedy = "Write full origins, as https://chat.example.org"
    if "*" in site.origins:
        return error("TAILRACE_ORIGINS", found, f"{remedy}: any page may act as the visitor.")
    if all("*" in origin for origin in site.origins):  # no wildcard within an origin
        return error("TAILRACE_ORIGINS", found or "empty", f"{remedy}: no page can open a socket.")
    if not all(map(_is_full, site.origins)):
        return warning("TAILRACE_ORIGINS", found, f"{remedy}: a bare host lets in any scheme and port.")
    return ok("TAILRACE_ORIGINS", found)


def _is_full(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def checked(messages: Iterable[CheckMessage]) -> list[Finding]:
    """Judge Django's deployment checks."""
    by_id = {str(message.id): message for message in messages}
    others = [message for name, message in by_id.items() if name not in KEY | COOKIES | LEFT_OUT]
    return [_key(by_id), _cookies(by_id), *map(_other, others)]


def _key(ids: Collection[str]) -> Finding:
    if KEY.isdisjoint(ids):
        return ok("SECRET_KEY", "long and random")
    remedy = "It signs sessions. Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    return error("SECRET_KEY", "short, or not random", remedy)


def _cookies(ids: Collection[str]) -> Finding:
    if COOKIES.isdisjoint(ids):
        return ok("cookies", "secure")
    remedy = "Behind TLS set TAILRACE_SECURE_COOKIES=1; only plain http on this machine needs 0."
    return warning("cookies", "also sent over plain http", remedy)


def _other(message: CheckMessage) -> Finding:
    judge = error if message.level >= ERROR else warning
    return judge(f"Django {message.id}", str(message.msg), message.hint or "See Django's documentation.")
