"""The settings of a deployment: Django's checks, and those that Django does not have."""

from typing import Any

import pytest
from django.core.checks import Error
from pytest_django import Settings

from project.doctor import site
from project.doctor.finding import State
from project.doctor.site import Site
from tests.project.doctor.looks import faults, states

OK, WARNING, ERROR = State
SITE = Site(debug=False, hosts=["chat.example.org"], origins=["https://chat.example.org"])


@pytest.fixture
def deployment(settings: Settings) -> Settings:
    """The settings as a deployment behind TLS has them."""
    settings.DEBUG = False
    settings.SECRET_KEY = "vR3hVb9ZkQ0pXy7LmN2sTg5WdJ8cFa1eUiOoPqKz4BxYw6HnMl"
    settings.ALLOWED_HOSTS = list(SITE.hosts)
    settings.TAILRACE_ORIGINS = list(SITE.origins)
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 3600
    return settings


@pytest.mark.usefixtures("deployment")
def test_a_deployment_behind_tls_is_ok() -> None:
    found = site.examine()
    assert list(states(found)) == ["DEBUG", "ALLOWED_HOSTS", "TAILRACE_ORIGINS", "SECRET_KEY", "https"]
    assert faults(found) == {}


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("SECRET_KEY", "short-secret", {"SECRET_KEY": ERROR}),
        ("SECRET_KEY", "a" * 60, {"SECRET_KEY": ERROR}),
        ("SESSION_COOKIE_SECURE", False, {"https": WARNING}),
        ("CSRF_COOKIE_SECURE", False, {"https": WARNING}),
        ("SECURE_HSTS_SECONDS", 0, {"https": WARNING}),
        ("ALLOWED_HOSTS", ["*"], {"ALLOWED_HOSTS": WARNING}),
        ("ALLOWED_HOSTS", [], {"ALLOWED_HOSTS": ERROR}),
        ("TAILRACE_ORIGINS", ["*"], {"TAILRACE_ORIGINS": ERROR}),
        ("SECURE_CONTENT_TYPE_NOSNIFF", False, {"Django security.W006": WARNING}),
        ("SECURE_REFERRER_POLICY", "nonsense", {"Django security.E023": ERROR}),
    ],
)
def test_each_wrong_setting(deployment: Settings, setting: str, value: Any, fault: dict[str, State]) -> None:
    setattr(deployment, setting, value)
    found = site.examine()
    assert faults(found) == fault
    assert not any("short-secret" in each.found + each.remedy for each in found)


@pytest.mark.parametrize(
    ("hosts", "state"),
    [(["localhost", "127.0.0.1", "[::1]"], WARNING), (["chat.example.org"], ERROR), (["*"], ERROR)],
)
def test_debug_is_an_error_where_others_can_see_it(
    deployment: Settings, hosts: list[str], state: State
) -> None:
    deployment.DEBUG, deployment.ALLOWED_HOSTS = True, hosts
    assert faults(site.examine()) == {"DEBUG": state}


@pytest.mark.parametrize(
    ("origins", "state"),
    [
        (["https://chat.example.org", "http://localhost:8000"], OK),
        (["https://.example.org"], ERROR),
        (["https://chat.example.org/path"], ERROR),
        (["https://chat.example.org", "chat.example.org"], ERROR),
        (["chat.example.org:443"], ERROR),
        (["https://chat.example.org", "*"], ERROR),
        (["https://*"], ERROR),
        ([], ERROR),
    ],
)
def test_origins_are_full(origins: list[str], state: State) -> None:
    finding = site.origins(Site(debug=False, hosts=SITE.hosts, origins=origins))
    faults([finding])
    assert finding.state is state


def test_other_messages_of_django_keep_their_level_and_text() -> None:
    *_, finding = site.checked([Error("It is open.", hint="Close it.", id="security.E999")])
    assert (finding.state, finding.what) == (ERROR, "Django security.E999")
    assert (finding.found, finding.remedy) == ("It is open.", "Close it.")
