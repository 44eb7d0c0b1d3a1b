"""Check a deployment's settings, also by Django's checks."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Tags, run_checks

from project.access import is_loopback, is_origin
from project.doctor.finding import Finding, error, ok, warning

KEY = {"security.W009"}
HTTPS = {f"security.W0{number}" for number in ("04", 10, 11, 12, 15, 16)}
LEFT_OUT = {"security.W018", "security.W020"}  # DEBUG and hosts are judged here


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
    if all(map(is_loopback, site.hosts)):
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
    if not all(map(is_origin, site.origins)):
        return error("TAILRACE_ORIGINS", found, f"{remedy}: pages of other sites may act as the visitor.")
    return ok("TAILRACE_ORIGINS", found) if found else error("TAILRACE_ORIGINS", "empty", f"{remedy}.")


def checked(messages: Iterable[CheckMessage]) -> list[Finding]:
    """Judge Django's deployment checks."""
    by_id = {str(message.id): message for message in messages if not message.is_silenced()}
    others = [message for name, message in by_id.items() if name not in KEY | HTTPS | LEFT_OUT]
    return [_key(by_id), _https(by_id), *map(_other, others)]


def _key(ids: Collection[str]) -> Finding:
    if KEY.isdisjoint(ids):
        return ok("SECRET_KEY", "long and random")
    remedy = "It signs sessions. Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    return error("SECRET_KEY", "short, or not random", remedy)


def _https(ids: Collection[str]) -> Finding:
    if HTTPS.isdisjoint(ids):
        return ok("https", "cookies are secure, browsers remember it (HSTS)")
    remedy = "Behind TLS set TAILRACE_HTTPS=1; only plain http on this machine needs 0."
    return warning("https", "off: cookies are also sent over plain http", remedy)


def _other(message: CheckMessage) -> Finding:
    judge = error if message.level >= ERROR else warning
    return judge(f"Django {message.id}", str(message.msg), message.hint or "See Django's documentation.")
