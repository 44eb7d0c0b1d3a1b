"""docker-compose.yml as Compose reads it: interpolation, commands, environments, health checks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from tests.harness.processes import ROOT, finished

REFERENCE = re.compile(r"(?=(?<!\$)\$\{?(\w+)(:-|:\?)?([^}]*))")  # ahead: they nest
SECONDS = {"s": 1, "m": 60}


class MissingVariableError(LookupError):
    """A variable that `:?` requires is not set."""


class Reference(NamedTuple):
    """`${NAME}`, `${NAME:-default}` or `${NAME:?message}`."""

    name: str
    operator: str
    argument: str


def references(text: str) -> list[Reference]:
    """Return every reference in a text, those in defaults too."""
    return [Reference(*match.groups("")) for match in REFERENCE.finditer(text)]


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Resolve the references as a shell does, which has the same; `$$` is a plain dollar.

    Raise MissingVariableError for a required one that is unset or empty.
    """
    quoted = re.sub(r'[\\`"]|\$\$', lambda match: "\\" + match[0][0], text)
    done = finished("sh", "-c", f'printf %s "{quoted}"', env=variables)
    if done.returncode:
        raise MissingVariableError(done.stderr)
    return done.stdout


def texts(node: Any) -> Iterator[str]:
    """Return every string value below a node of the file."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


@dataclass(frozen=True)
class Service:
    """One service of the file."""

    name: str
    config: dict[str, Any]

    @property
    def is_app(self) -> bool:
        """Whether it runs the project's own image."""
        return "build" in self.config

    @property
    def health_paths(self) -> list[tuple[int, str]]:
        """Return port and path of the page that the health check asks for, if it asks for one."""
        check = " ".join(self.config.get("healthcheck", {}).get("test", []))
        return [(int(port), path) for port, path in re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", check)]

    @property
    def stop_secs(self) -> int:
        """Return how long Compose waits from SIGTERM to SIGKILL."""
        text = self.config.get("stop_grace_period", "10s")
        return int(text[:-1]) * SECONDS[text[-1]]

    def command(self, image_command: list[str], variables: Mapping[str, str]) -> list[str]:
        """Return the command, the image's when the service has none."""
        return [interpolate(word, variables) for word in self.config.get("command", image_command)]

    def health_command(self, variables: Mapping[str, str]) -> list[str]:
        """Return the command of the health check."""
        kind, *words = [interpolate(word, variables) for word in self.config["healthcheck"]["test"]]
        return words if kind == "CMD" else ["sh", "-c", *words]

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the environment; a name without a value is passed on when it is set."""
        passed_on = {name: variables[name] for name in self.passed_on if name in variables}
        given = {name: str(value) for name, value in self._environment.items() if value is not None}
        return passed_on | {name: interpolate(value, variables) for name, value in given.items()}

    @property
    def passed_on(self) -> list[str]:
        """Return the names of the environment that have no value in the file."""
        return [name for name, value in self._environment.items() if value is None]

    @property
    def names(self) -> set[str]:
        """Return all names of the environment."""
        return set(self._environment)

    @property
    def _environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = self.config.get("environment", {})
        return environment


def parsed() -> dict[str, Any]:
    """Return the file as it stands."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def services() -> dict[str, Service]:
    """Return the services by name."""
    return {name: Service(name, config) for name, config in parsed()["services"].items()}
