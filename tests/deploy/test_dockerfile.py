"""The image holds the locked packages and the project, runs as an unprivileged user, and keeps no secret."""

import re
from fnmatch import fnmatch

import pytest
from django.conf import settings

from project.management.commands.serve import Command
from tests.deploy.dockerfile import instructions, stages
from tests.harness.processes import ROOT

IMAGE = stages()[-1]


def test_both_stages_have_the_same_python_of_a_named_version() -> None:
    bases = [stage.one("FROM").split()[0] for stage in stages()]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim", bases[0])


def test_only_the_lock_is_installed_and_only_with_its_hashes() -> None:
    installs = [line.rest for line in instructions() if re.search(r"\b(pip|uv|apt|apt-get)\b", line.rest)]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert installs[0].endswith("-r requirements.lock")


def test_the_image_holds_what_the_settings_install() -> None:
    packages = {name for name in settings.INSTALLED_APPS if (ROOT / name).is_dir()}
    assert {"chat", "project"} <= packages
    assert set(IMAGE.copied) == packages | {"workers", "templates", "manage.py"}


def test_what_is_copied_exists_and_keeps_its_place() -> None:
    for source, target in IMAGE.copied.items():
        assert (ROOT / source).exists()
        assert target in (source, "./")


def test_the_process_is_not_root_and_its_user_has_a_number() -> None:
    user, group = IMAGE.one("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert instructions()[-1].word == "CMD"


def test_the_data_folder_belongs_to_the_user() -> None:
    folder = IMAGE.environment["TAILRACE_DATA_DIR"]
    assert any(f"chown {IMAGE.one('USER')} {folder}" in rest for rest in IMAGE.all("RUN"))


def test_the_environment_is_that_of_a_deployment() -> None:
    assert IMAGE.environment["DEBUG"] == "0"
    assert IMAGE.environment["PYTHONUNBUFFERED"] == "1"


def test_the_static_files_are_collected_without_a_key() -> None:
    [collect] = [rest for rest in IMAGE.all("RUN") if "collectstatic" in rest]
    assert re.fullmatch(r"DEBUG=1 TAILRACE_STATIC_ROOT=\S+ python manage\.py collectstatic .*", collect)
    kept = [line for line in instructions() if line.word in ("ENV", "ARG", "LABEL")]
    assert not any(re.search(r"KEY|PASSWORD|SECRET|TOKEN", line.rest) for line in kept)


def test_the_command_serves_on_the_exposed_port() -> None:
    program, script, verb, *arguments = IMAGE.command
    options = Command().create_parser(script, verb).parse_args(arguments)
    assert (program, script, verb) == ("python", "manage.py", "serve")
    assert (options.bind, options.port) == ("0.0.0.0", int(IMAGE.one("EXPOSE")))  # noqa: S104 - inside a container


def is_sent(path: str) -> bool:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    sent = True
    for line in lines:
        if fnmatch(path, line.removeprefix("!").replace("**/", "*")):
            sent = line.startswith("!")
    return sent


@pytest.mark.parametrize("path", [*IMAGE.copied, "requirements.lock"])
def test_what_is_copied_is_sent_to_the_build(path: str) -> None:
    assert is_sent(path)


@pytest.mark.parametrize(
    "path", [".env", ".git", ".venv", ".tailrace", "db.sqlite3", "uv.lock", "tests", "docs"]
)
def test_what_is_not_copied_stays_on_the_machine(path: str) -> None:
    assert not is_sent(path)
