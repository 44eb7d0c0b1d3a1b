"""The settings agree with `.env.example`."""

import json
from pathlib import Path

import pytest

from tests.harness import dotenv
from tests.harness.dotenv import load_settings, loaded_settings
from tests.harness.processes import ROOT

# docker-compose.yml alone reads them
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "FLOWER_BASIC_AUTH", "PORT", "REDIS_MEMORY"}
LONG_KEY = "of-the-tests-" * 4
KEYS = {"OPENAI_API_KEY"}  # the workers read keys by the name that a model has for its own
NO_DEFAULT = {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "FLOWER_BASIC_AUTH"}


def test_the_example_documents_every_variable_that_is_read_and_no_other() -> None:
    assert set(dotenv.documented()) == set(dotenv.read_by_settings()) | COMPOSE_ONLY | KEYS


def test_the_example_shows_the_default_of_each_setting_that_has_a_constant_one() -> None:
    defaults = {
        name: default
        for name, default in dotenv.read_by_settings().items()
        if default is not dotenv.COMPUTED and not isinstance(default, bool)
    }
    documented = dotenv.documented()
    assert {name: documented[name] for name in defaults} == {
        name: str(value) for name, value in defaults.items()
    }


def test_the_example_sets_only_variables_without_a_default() -> None:
    assert dotenv.set_by_example() == NO_DEFAULT


def test_the_example_explains_each_setting() -> None:
    assert dotenv.without_comment() == []


def test_a_checkout_without_environment_is_for_development(tmp_path: Path) -> None:
    values = loaded_settings(tmp_path, {})
    assert values["DEBUG"] is True
    assert values["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert values["TAILRACE_GUESTS"] is True
    assert (tmp_path / ".tailrace").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("environment", "storage"),
    [
        ({}, "project.storage.PlainFiles"),
        ({"TAILRACE_STATIC_ROOT": "collected"}, "project.storage.HashedFiles"),
        ({"SECRET_KEY": LONG_KEY}, "project.storage.HashedFiles"),
    ],
)
def test_files_that_are_collected_have_hashed_names(
    tmp_path: Path, environment: dict[str, str], storage: str
) -> None:
    values = loaded_settings(tmp_path, environment)
    assert values["STORAGES"]["staticfiles"]["BACKEND"] == storage
    assert values["WHITENOISE_USE_FINDERS"] is not bool(values["STATIC_ROOT"])


def test_files_are_in_the_data_directory_or_in_the_named_storage(tmp_path: Path) -> None:
    files = loaded_settings(tmp_path, {"TAILRACE_DATA_DIR": "/data"})["STORAGES"]["files"]
    assert files["OPTIONS"]["location"] == "/data/files"
    options = {"bucket_name": "chat"}
    named = {"TAILRACE_FILES_STORAGE": "shop.Storage", "TAILRACE_FILES_OPTIONS": json.dumps(options)}
    found = loaded_settings(tmp_path, named)["STORAGES"]["files"]
    assert found == {"BACKEND": "shop.Storage", "OPTIONS": options}


@pytest.mark.parametrize("options", ["{", "[]", '"canary"'])
def test_options_of_the_storage_that_cannot_be_read_stop_the_start_and_are_not_shown(
    tmp_path: Path, options: str
) -> None:
    done = load_settings(
        tmp_path, {"TAILRACE_FILES_STORAGE": "shop.Storage", "TAILRACE_FILES_OPTIONS": options}
    )
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "TAILRACE_FILES_OPTIONS cannot be read: write a JSON object" in last
    assert "canary" not in last


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    empty = dict.fromkeys(dotenv.read_by_settings(), "")
    assert {"SECRET_KEY", "DATABASE_URL", "OPENAI_MAX_OUTPUT_TOKENS"} <= set(empty)
    assert loaded_settings(tmp_path, empty) == loaded_settings(tmp_path, {})


def test_a_copy_of_the_example_changes_nothing(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    assert loaded_settings(tmp_path, {}, example) == loaded_settings(tmp_path, {})


def test_a_secret_key_makes_a_deployment(tmp_path: Path) -> None:
    values = loaded_settings(tmp_path, {"SECRET_KEY": LONG_KEY, "ALLOWED_HOSTS": "chat.example.org"})
    assert values["DEBUG"] is False
    assert values["TAILRACE_GUESTS"] is False
    assert values["SESSION_COOKIE_SECURE"] is True
    assert values["CSRF_COOKIE_SECURE"] is True
    assert values["TAILRACE_ORIGINS"] == values["CSRF_TRUSTED_ORIGINS"] == ["https://chat.example.org"]


@pytest.mark.parametrize(("https", "names"), [("1", "__Host-tailrace"), ("0", "tailrace")])
def test_cookies_have_names_of_ours_as_they_know_no_port(tmp_path: Path, https: str, names: str) -> None:
    values = loaded_settings(tmp_path, {"SECRET_KEY": LONG_KEY, "TAILRACE_HTTPS": https})
    assert values["SESSION_COOKIE_NAME"] == f"{names}_session"
    assert values["CSRF_COOKIE_NAME"] == f"{names}_csrf"
    assert (values["SESSION_COOKIE_SECURE"], values["SECURE_HSTS_SECONDS"] > 0) == (https == "1",) * 2


def test_a_session_lasts_the_hours_of_its_setting(tmp_path: Path) -> None:
    assert loaded_settings(tmp_path, {})["SESSION_COOKIE_AGE"] == 14 * 24 * 3600
    assert loaded_settings(tmp_path, {"TAILRACE_SESSION_HOURS": "12"})["SESSION_COOKIE_AGE"] == 12 * 3600


def test_a_deployment_without_a_key_fails_with_its_name(tmp_path: Path) -> None:
    done = load_settings(tmp_path, {"DEBUG": "0"})
    assert done.returncode != 0
    assert "SECRET_KEY is missing" in done.stderr


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    lines = "OPENAI_MODEL=of-the-file\nLOG_LEVEL=WARNING\n"
    values = loaded_settings(tmp_path, {"OPENAI_MODEL": "of-the-environment"}, lines)
    assert values["TAILRACE_OPENAI_MODEL"] == "of-the-environment"
    assert values["LOGGING"]["root"]["level"] == "WARNING"


@pytest.mark.parametrize(
    ("environment", "engine"),
    [
        ({}, "project.sqlite"),
        ({"DATABASE_URL": "postgres://user:password@127.0.0.1:1/name"}, "project.postgres"),
    ],
)
def test_the_database_is_the_one_that_the_url_names(
    tmp_path: Path, environment: dict[str, str], engine: str
) -> None:
    values = loaded_settings(tmp_path, environment)
    assert values["DATABASES"]["default"]["ENGINE"] == engine
