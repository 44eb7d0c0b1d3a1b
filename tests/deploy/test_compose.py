"""docker-compose.yml names what exists, asks for what it cannot know, and opens to this machine only."""

import ast
import os
import re
import shlex
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from celery.bin.celery import celery as celery_command
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve
from flower.urls import handlers as flower_handlers  # type: ignore[import-untyped]  # Flower has no types
from tornado.options import options as flower_options

from project.server.server import END_SECS
from project.up.parts import HANDING_OVER_SECS
from tests.deploy import dockerfile
from tests.deploy.compose import (
    MissingVariableError,
    Service,
    interpolate,
    parsed,
    references,
    services,
    texts,
)
from tests.harness import dotenv

REQUIRED = {
    "SECRET_KEY": "a-long-random-string-for-this-test-alone-0123456789",
    "POSTGRES_PASSWORD": "secret",
    "REDIS_PASSWORD": "of-redis",
    "FLOWER_BASIC_AUTH": "somebody:secret",
}
PROGRAMS = {"python", "celery"}  # the image has these
APP = [service for service in services().values() if service.is_app]
LASTING = [service for service in services().values() if service.name != "migrate"]
IN_THE_IMAGE = {"DEBUG", "TAILRACE_DATA_DIR", "TAILRACE_HEALTH_PORT", "TAILRACE_STATIC_ROOT"}
BESIDE_THE_SETTINGS = {"OPENAI_API_KEY", "FLOWER_BASIC_AUTH"}  # the workers and Flower read these themselves


def named(service: Service) -> str:
    return service.name


def command_of(service: Service) -> list[str]:
    return service.command(dockerfile.stages()[-1].command, REQUIRED)


# interpolation, which the other tests stand on


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("a ${SET} b", "a set b"),
        ("${UNSET}", ""),
        ("${SET:-other}", "set"),
        ("${EMPTY:-other}", "other"),
        ("${UNSET:-http://localhost:${UNSET:-8000}}/", "http://localhost:8000/"),
        ("${UNSET:-http://localhost:${SET:-8000}}/", "http://localhost:set/"),
        ("celery@$$HOSTNAME", "celery@$HOSTNAME"),
    ],
)
def test_a_reference_stands_for_what_compose_makes_of_it(text: str, value: str) -> None:
    assert interpolate(text, {"SET": "set", "EMPTY": ""}) == value


@pytest.mark.parametrize("variables", [{}, {"NAME": ""}])
def test_a_required_variable_stops_compose(variables: dict[str, str]) -> None:
    with pytest.raises(MissingVariableError, match="set NAME"):
        interpolate("${NAME:?set NAME}", variables)


# commands


@pytest.mark.filterwarnings("ignore:No directory at")  # of static files: the image collects them
@pytest.mark.parametrize("service", APP, ids=named)
def test_a_command_exists(service: Service) -> None:
    check_command(command_of(service))


@pytest.mark.parametrize("service", [service for service in LASTING if service.is_app], ids=named)
def test_a_health_check_is_a_command_that_exists(service: Service) -> None:
    command = service.health_command(REQUIRED)
    check_command(command[-1].split() if command[0] == "sh" else command)


def check_command(words: list[str]) -> None:
    program, *arguments = words
    assert program in PROGRAMS
    if arguments[:1] == ["manage.py"]:
        assert arguments[1] in get_commands()
    elif arguments[:1] == ["-c"]:
        ast.parse(arguments[1])
    elif program == "celery":
        assert arguments[:2] in (["-A", "project"], ["-A", "project.flower"])
        assert import_module("project.celery").app.main == "tailrace"
        assert arguments[2] in celery_command.commands
    else:
        [script] = entry_points(group="console_scripts", name=program)
        assert callable(script.load())
        module, _, name = arguments[-1].partition(":")
        assert callable(getattr(import_module(module), name))


def test_a_command_that_does_not_exist_is_found_out() -> None:
    for words in (["celery", "-A", "project", "wroker"], ["python", "manage.py", "migarte"]):
        with pytest.raises(AssertionError):
            check_command(words)


@pytest.mark.parametrize("service", LASTING, ids=named)
def test_every_service_that_lasts_has_a_health_check_and_comes_back(service: Service) -> None:
    assert service.config["healthcheck"]["test"]
    assert service.config["restart"] == "unless-stopped"


def test_the_health_check_of_the_web_is_an_address_of_ours_on_its_port() -> None:
    [(port, path)] = services()["web"].health_paths
    assert resolve(path).view_name == "healthz"
    assert str(port) == dockerfile.stages()[-1].one("EXPOSE")


def test_the_health_check_of_flower_is_an_address_of_flowers_on_its_port() -> None:
    [(port, path)] = services()["flower"].health_paths
    assert path in [handler[0] for handler in flower_handlers if isinstance(handler, tuple)]
    assert f"--port={port}" in command_of(services()["flower"])


def test_the_health_check_of_a_worker_is_its_address_on_the_port_of_the_image() -> None:
    [(port, path)] = services()["worker"].health_paths
    assert path == "/healthz"
    assert str(port) == dockerfile.stages()[-1].environment["TAILRACE_HEALTH_PORT"]


# variables


def test_every_variable_is_documented() -> None:
    used = {reference.name for text in texts(parsed()) for reference in references(text)}
    passed_on = {name for service in APP for name in service.passed_on}
    assert used | passed_on <= set(dotenv.documented())
    assert passed_on


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_a_required_variable_has_no_default(name: str) -> None:
    found = [ref for text in texts(parsed()["services"]) for ref in references(text) if ref.name == name]
    assert found
    assert {reference.operator for reference in found} == {":?"}
    assert all(name in reference.argument for reference in found)


def test_nothing_but_the_required_variables_has_to_be_set() -> None:
    for text in texts(parsed()):
        interpolate(text, REQUIRED)


def test_no_variable_is_passed_on_as_an_empty_text() -> None:
    for service in APP:
        assert "" not in service.environment(REQUIRED).values()


@pytest.mark.parametrize("service", APP, ids=named)
def test_the_environment_sets_what_the_settings_read(service: Service) -> None:
    assert service.names <= set(dotenv.read_by_settings()) | BESIDE_THE_SETTINGS


def test_each_setting_of_a_deployment_can_be_set() -> None:
    left_out = set(dotenv.read_by_settings()) - services()["worker"].names
    assert left_out == IN_THE_IMAGE


def test_the_variables_of_flower_are_options_of_flower() -> None:
    names = {name for name in services()["flower"].names if name.startswith("FLOWER_")}
    assert {name.removeprefix("FLOWER_").lower() for name in names} <= set(flower_options)


def test_only_workers_hold_a_key_of_a_model() -> None:
    holders = {service.name for service in APP if any(name.endswith("API_KEY") for name in service.names)}
    assert holders == {"worker"}


def settings_of_the_web(variables: dict[str, str], checkout: Path) -> dict[str, Any]:
    image = dockerfile.stages()[-1].environment | {"TAILRACE_DATA_DIR": str(checkout)}
    path = {"PATH": os.environ["PATH"]}
    return dotenv.loaded_settings(checkout, image | services()["web"].environment(variables) | path)


def test_the_settings_are_those_of_a_deployment_on_localhost(tmp_path: Path) -> None:
    values = settings_of_the_web(REQUIRED, tmp_path)
    assert values["DEBUG"] is False
    assert values["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1"]
    assert values["TAILRACE_ORIGINS"] == ["http://localhost:8000"]
    assert values["SESSION_COOKIE_SECURE"] is False  # plain http: a browser would not send it back
    assert values["TAILRACE_GUESTS"] is False
    assert values["TAILRACE_LOG_URL"] == "redis://:of-redis@redis:6379/0"
    assert values["DATABASES"]["default"]["HOST"] == "postgres"
    assert values["DATABASES"]["default"]["PASSWORD"] == "secret"


def test_the_settings_behind_tls_take_three_lines(tmp_path: Path) -> None:
    lines = {
        "ALLOWED_HOSTS": "chat.example.org",
        "TAILRACE_ORIGINS": "https://chat.example.org",
        "TAILRACE_HTTPS": "1",
    }
    values = settings_of_the_web(REQUIRED | lines, tmp_path)
    assert values["ALLOWED_HOSTS"] == ["chat.example.org", "127.0.0.1"]
    assert values["TAILRACE_ORIGINS"] == values["CSRF_TRUSTED_ORIGINS"] == ["https://chat.example.org"]
    assert values["SESSION_COOKIE_SECURE"] is True
    assert set(lines) <= set(
        re.findall(r"[A-Z_]{6,}", (settings.BASE_DIR / "docker-compose.yml").read_text())
    )


# the shape of the whole


@pytest.mark.parametrize("service", [service for service in APP if service.name != "migrate"], ids=named)
def test_a_service_waits_for_the_migrations_and_for_redis(service: Service) -> None:
    conditions = {name: wait["condition"] for name, wait in service.config["depends_on"].items()}
    assert conditions == {"migrate": "service_completed_successfully", "redis": "service_healthy"}


def test_the_migrations_run_once_when_the_database_is_ready() -> None:
    config = services()["migrate"].config
    assert config["restart"] == "no"
    assert config["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_workers_can_be_scaled() -> None:
    assert not {"container_name", "ports", "hostname"} & set(services()["worker"].config)
    assert all("container_name" not in service.config for service in services().values())


def test_workers_do_not_read_the_events_of_each_other() -> None:
    assert "--without-gossip" in command_of(services()["worker"])


def test_a_worker_may_take_as_long_as_it_needs_to_stop() -> None:
    assert services()["worker"].stop_secs >= settings.TAILRACE_DRAIN_SECONDS + HANDING_OVER_SECS


def test_a_web_server_may_take_as_long_as_it_needs_to_stop() -> None:
    assert services()["web"].stop_secs >= settings.TAILRACE_WEB_DRAIN_SECONDS + 2 * END_SECS


def test_ports_are_open_on_this_machine_only() -> None:
    ports = [port for service in services().values() for port in service.config.get("ports", [])]
    assert [interpolate(port, REQUIRED) for port in ports] == ["127.0.0.1:8000:8000", "127.0.0.1:5555:5555"]


def test_the_volumes_that_are_used_are_declared() -> None:
    volumes = [volume for service in services().values() for volume in service.config.get("volumes", [])]
    named_ones = [volume.split(":")[0] for volume in volumes if not volume.startswith(".")]
    assert set(named_ones) == set(parsed()["volumes"])
    assert "redis-data:/data" in volumes
    assert "postgres-data:/var/lib/postgresql" in volumes  # since version 18; before, its data folder


def test_web_and_workers_share_the_files_and_no_other_service_has_them() -> None:
    image = dockerfile.stages()[-1]
    folder = f"{image.environment['TAILRACE_DATA_DIR']}/files"
    holders = [
        name for name, service in services().items() if f"files:{folder}" in service.config.get("volumes", [])
    ]
    assert holders == ["web", "worker"]
    # a new volume gets the owner and the mode of the folder in the image
    (made,) = [rest for rest in image.all("RUN") if "mkdir" in rest]
    assert f"-m 700 {folder}" in made
    assert made.endswith(f"chown {image.one('USER')} {folder.rpartition('/')[0]} {folder}")


def options_of_redis() -> dict[str, str]:
    line, _, _ = services()["redis"].command([], REQUIRED)[-1].replace("\\\n", "").partition("\n")
    words = shlex.split(line.partition("<<")[0])[2:-1]  # exec valkey-server OPTIONS -
    return dict(zip(words[::2], words[1::2], strict=True))


def test_redis_keeps_what_it_was_given() -> None:
    options = options_of_redis()
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_the_password_of_redis_is_in_no_command() -> None:
    for service in services().values():
        words = service.command([], REQUIRED)
        if "healthcheck" in service.config:
            words += service.health_command(REQUIRED)
        assert REQUIRED["REDIS_PASSWORD"] not in " ".join(words)
    assert services()["redis"].environment(REQUIRED) == {"REDISCLI_AUTH": REQUIRED["REDIS_PASSWORD"]}


@pytest.mark.parametrize(("name", "user"), [("redis", "valkey"), ("postgres", "postgres")])
def test_storage_has_no_rights_to_spare(name: str, user: str) -> None:
    config = services()[name].config
    assert (config["user"], config["cap_drop"]) == (user, ["ALL"])
    assert config["security_opt"] == ["no-new-privileges:true"]


def test_the_files_that_are_mounted_exist() -> None:
    volumes = [volume for service in services().values() for volume in service.config.get("volumes", [])]
    mounted = [volume.split(":")[0] for volume in volumes if volume.startswith(".")]
    assert mounted == ["./project/postgres/create.sql"]
    assert all((settings.BASE_DIR / path).is_file() for path in mounted)


@pytest.mark.parametrize("service", APP, ids=named)
def test_a_service_has_no_rights_to_spare(service: Service) -> None:
    assert service.config["cap_drop"] == ["ALL"]
    assert service.config["security_opt"] == ["no-new-privileges:true"]
    assert not {"user", "privileged", "network_mode", "pid"} & set(service.config)


@pytest.mark.parametrize(
    "service", [service for service in services().values() if not service.is_app], ids=named
)
def test_an_image_of_others_has_a_version(service: Service) -> None:
    assert re.fullmatch(r"[a-z/]+:\d+(\.\d+)*-alpine", service.config["image"])


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_storage_is_on_an_internal_network_alone(name: str) -> None:
    assert services()[name].config["networks"] == ["storage"]
    assert parsed()["networks"]["storage"]["internal"] is True


def test_the_memory_of_redis_has_a_limit() -> None:
    assert options_of_redis()["--maxmemory"] == "1gb"


def test_no_secret_of_the_site_is_in_flowers_container() -> None:
    assert not services()["flower"].names & {"SECRET_KEY", "DATABASE_URL", "OPENAI_API_KEY"}


@pytest.mark.parametrize("service", APP, ids=named)
def test_an_app_container_cannot_change_its_files(service: Service) -> None:
    assert service.config["read_only"] is True
    assert service.config["tmpfs"] == ["/tmp", "/data"]  # noqa: S108 - in the container
