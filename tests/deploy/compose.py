"""docker-compose.yml as Compose reads it: interpolation, commands, environments, health checks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<operator>:-|:\?)?(?P<argument>.*)", re.DOTALL)
SECONDS = {"s": 1, "m": 60}


class MissingVariableError(LookupError):
    """A variable that `:?` requires is not set."""


@dataclass(frozen=True)
class Reference:
    """`${NAME}`, `${NAME:-default}` or `${NAME:?message}`."""

    name: str
    operator: str
    argument: str

    def value(self, variables: Mapping[str, str]) -> str:
        """Return what it stands for. Raise MissingVariableError for a required one that is unset or empty."""
        value = variables.get(self.name, "")
        if value or not self.operator:
            return value
        if self.operator == ":?":
            raise MissingVariableError(self.argument)
        return interpolate(self.argument, variables)


def split_reference(text: str) -> tuple[Reference, str]:
    """Read the reference that a text begins with, without its dollar; return it and the text after it."""
    assert text.startswith("{"), f"only the form ${{NAME}} is understood here: ${text}"
    end = closing_brace(text)
    match = REFERENCE.fullmatch(text[1:end])
    assert match is not None, f"no reference: ${text}"
    return Reference(match["name"], match["operator"] or "", match["argument"]), text[end + 1 :]


def closing_brace(text: str) -> int:
    """Return the place of the brace that closes the first one; those between may nest."""
    depth = 0
    for match in re.finditer(r"[{}]", text):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.start()
    raise AssertionError(f"a brace is not closed: ${text}")


def tokens(text: str) -> Iterator[str | Reference]:
    """Cut a text into plain text and references; `$$` is a plain dollar."""
    while text:
        plain, mark, text = text.partition("$")
        yield plain
        if mark and text.startswith("$"):
            yield "$"
            text = text[1:]
        elif mark:
            reference, text = split_reference(text)
            yield reference


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with its references resolved. Raise MissingVariableError for a required one."""
    return "".join(
        token.value(variables) if isinstance(token, Reference) else token for token in tokens(text)
    )


def references(text: str) -> Iterator[Reference]:
    """Return every reference in a text, those in defaults too."""
    for token in tokens(text):
        if isinstance(token, Reference):
            yield token
            if token.operator == ":-":
                yield from references(token.argument)


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
    """One service, as the file says it."""

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
