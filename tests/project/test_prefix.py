"""The prefix of a deployment in Redis: the same in all its processes, another one in the next deployment."""

from pathlib import Path

import pytest

from project.prefix import default_prefix
from tests.harness.dotenv import loaded_settings

KEY = "of-the-tests-" * 4
URL = "postgres://tailrace:one@db:5432/tailrace"
DEPLOYED = {"SECRET_KEY": KEY, "DATABASE_URL": URL}


def test_it_is_eight_digits_and_no_part_of_the_key() -> None:
    prefix = default_prefix(KEY, {"HOST": "db", "PORT": 5432, "NAME": "tailrace"})
    assert len(prefix) == 8
    assert int(prefix, 16) is not None


def test_new_credentials_keep_it(tmp_path: Path) -> None:
    url = URL.replace("one", "two").replace("//tailrace", "//other")
    before, after = (loaded_settings(tmp_path, {**DEPLOYED, "DATABASE_URL": each}) for each in (URL, url))
    assert before["TAILRACE_PREFIX"] == after["TAILRACE_PREFIX"]


@pytest.mark.parametrize(
    "changed",
    [
        {"SECRET_KEY": "of-another-one" * 4},
        {"DATABASE_URL": URL + "2"},
        {"DATABASE_URL": URL.replace("@db", "@d2")},
    ],
)
def test_another_key_or_database_changes_it(tmp_path: Path, changed: dict[str, str]) -> None:
    prefixes = {
        loaded_settings(tmp_path, environment)["TAILRACE_PREFIX"]
        for environment in (DEPLOYED, {**DEPLOYED, **changed})
    }
    assert len(prefixes) == 2


def test_a_named_prefix_is_that_of_the_groups(tmp_path: Path) -> None:
    values = loaded_settings(tmp_path, {"TAILRACE_PREFIX": "chat"})
    assert values["TAILRACE_PREFIX"] == "chat"
    assert values["CHANNEL_LAYERS"]["default"]["CONFIG"]["prefix"] == "chat"
