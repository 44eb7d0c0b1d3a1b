"""The TLS options of Redis URLs: verified, unless the URL says otherwise in any usual spelling."""

import ssl
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from kombu.utils.url import parse_url
from redis.asyncio.connection import parse_url as redis_options

from project.redis_urls import is_verified, redis_url, tls_options
from tests.harness.dotenv import load_settings, loaded_settings

PLACE = "rediss://:secret@host:6380/2"
VERIFY = "ssl_cert_reqs=required"


@pytest.mark.parametrize(
    "url", ["redis://:secret@host/0", "redis://host/0?ssl_cert_reqs=x", "unix:///r.sock"]
)
def test_a_url_without_tls_is_kept(url: str) -> None:
    assert redis_url("REDIS_URL", url) == url
    assert tls_options(url) is None


@pytest.mark.parametrize(
    "given", ["", "?", *(f"?ssl_cert_reqs={word}" for word in ("required", "CERT_REQUIRED", "Required"))]
)
def test_tls_is_verified(given: str) -> None:
    url = redis_url("REDIS_URL", PLACE + given)
    assert url == f"{PLACE}?{VERIFY}"
    assert is_verified(url)
    assert tls_options(url) == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


@pytest.mark.parametrize("word", ["none", "None", "NONE", "CERT_NONE", "cert_none", "ssl.CERT_NONE"])
def test_tls_is_unverified_only_if_the_url_says_so(word: str) -> None:
    url = redis_url("REDIS_URL", f"{PLACE}?ssl_cert_reqs={word}")
    assert url == f"{PLACE}?ssl_cert_reqs=none"
    assert not is_verified(url)
    assert tls_options(url) == {"ssl_cert_reqs": ssl.CERT_NONE}


@pytest.mark.parametrize("word", ["", "off", "require", "0"])
def test_another_word_is_refused_with_the_variable_and_without_the_password(word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL cannot be used.*required") as refused:
        redis_url("REDIS_URL", f"{PLACE}?ssl_check_hostname=1&ssl_cert_reqs={word}x")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("word", "expected"), [("0", False), ("False", False), ("no", False), ("1", True)])
def test_both_clients_read_the_same_options(word: str, expected: bool) -> None:
    given = f"{PLACE}?ssl_ca_certs=/my%20ca.pem&ssl_keyfile=/key&ssl_certfile=/cert&ssl_check_hostname={word}"
    url = redis_url("REDIS_URL", given)
    theirs = {name: value for name, value in redis_options(url).items() if name.startswith("ssl_")}
    expected_options = {
        "ssl_ca_certs": "/my ca.pem",
        "ssl_keyfile": "/key",
        "ssl_certfile": "/cert",
        "ssl_check_hostname": expected,
    }
    assert theirs == {**expected_options, "ssl_cert_reqs": "required"}
    assert tls_options(url) == {**expected_options, "ssl_cert_reqs": ssl.CERT_REQUIRED}
    assert parse_url(url)["ssl"] == tls_options(url)


def test_the_settings_verify_tls(tmp_path: Path) -> None:
    values = loaded_settings(tmp_path, {"REDIS_URL": PLACE})
    hosts = values["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"]
    urls = [values["TAILRACE_BROKER_URL"], values["TAILRACE_LOG_URL"], *hosts]
    assert urls == [f"{PLACE}?{VERIFY}"] * 3


@pytest.mark.parametrize("part", ["BROKER", "LOG", "LAYER"])
def test_a_part_can_have_a_redis_of_its_own(tmp_path: Path, part: str) -> None:
    given = {"REDIS_URL": "redis://all", f"TAILRACE_{part}_URL": "rediss://own"}
    values = loaded_settings(tmp_path, given)
    found = {name: values[f"TAILRACE_{name}_URL"] for name in ("BROKER", "LOG", "LAYER")}
    assert found == {**dict.fromkeys(found, "redis://all"), part: f"rediss://own?{VERIFY}"}
    assert values["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"] == [found["LAYER"]]


def test_settings_with_another_word_do_not_load(tmp_path: Path) -> None:
    done = load_settings(tmp_path, {"REDIS_URL": f"{PLACE}?ssl_cert_reqs=maybe"})
    assert done.returncode != 0
    assert "REDIS_URL cannot be used" in done.stderr
    assert "secret" not in done.stderr
