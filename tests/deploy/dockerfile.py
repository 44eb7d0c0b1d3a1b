"""The Dockerfile in instructions, and the part of it that does not need Docker."""

import json
import re
import shlex
from dataclasses import dataclass

from tests.harness.processes import ROOT


@dataclass(frozen=True)
class Instruction:
    """One instruction: its word in capitals and the rest of its line."""

    word: str
    rest: str


@dataclass(frozen=True)
class Stage:
    """One stage of the build, from its FROM on."""

    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[str]:
        """Return the rests of all instructions with this word, in order."""
        return [instruction.rest for instruction in self.instructions if instruction.word == word]

    def one(self, word: str) -> str:
        """Return the rest of the only instruction with this word."""
        [rest] = self.all(word)
        return rest

    @property
    def environment(self) -> dict[str, str]:
        """Return what ENV sets."""
        words = [word for rest in self.all("ENV") for word in shlex.split(rest)]
        return dict(word.split("=", 1) for word in words)

    @property
    def command(self) -> list[str]:
        """Return CMD, which is a list."""
        command: list[str] = json.loads(self.one("CMD"))
        return command

    @property
    def copied(self) -> dict[str, str]:
        """Return the copied paths of the checkout: source to target."""
        copies = [rest.split() for rest in self.all("COPY") if not rest.startswith("--from=")]
        return dict(copies)


def instructions() -> list[Instruction]:
    """Return the instructions, continued lines joined."""
    text = "".join(
        line
        for line in (ROOT / "Dockerfile").read_text().splitlines(keepends=True)
        if not line.startswith("#")
    )
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [Instruction(*line.split(maxsplit=1)) for line in lines if line.strip()]


def stages() -> list[Stage]:
    """Return the stages; the last one is the image."""
    found: list[list[Instruction]] = []
    for instruction in instructions():
        if instruction.word == "FROM":
            found.append([])
        found[-1].append(instruction)
    return [Stage(tuple(stage)) for stage in found]
