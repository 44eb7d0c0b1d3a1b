"""The examples of the documents, run as they are written: with another address, key and model."""

import os
import re
import shlex
import shutil
import sys
import time
from pathlib import Path
from string import Template
from typing import Any

import pytest

from chat.webhooks import events
from tests.harness.processes import ROOT, run
from tests.harness.skips import skip_without
from tests.sdk.conftest import Api

UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MODEL, USER = "scripted", "program"  # of the stack
PROGRAMS = {"uv run manage.py": ("manage.py",), "llm": ("-m", "llm")}
PYTHON = re.compile(rf"(?:\w+=\$\()?({'|'.join(PROGRAMS)}) ([^()|;&<>]+)\)?")  # also a variable's value


def blocks(name: str, language: str) -> list[str]:
    """The examples of a document in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL)


def here(example: str, api: Api) -> str:
    """The example for this site, and for the scripted model, which is quicker than the demo."""
    places = {"http://127.0.0.1:8000/v1": api.base_url, "tr_…": api.key, "demo-count": MODEL, "alice": USER}
    for written, meant in places.items():
        example = example.replace(written, meant)
    return example


def executed(examples: list[str], api: Api, **names: Any) -> dict[str, Any]:
    """The names that the examples define, run one after the other."""
    for example in examples:
        exec(compile(here(example, api), "example", "exec"), names)  # noqa: S102 - of our documents
    return names


def test_the_api_is_as_its_page_shows(served: Api, capsys: pytest.CaptureFixture[str]) -> None:
    secret = events.new_secret()
    examples = [example.replace("whsec_…", secret) for example in blocks("docs/api.md", "python")]
    assert len(examples) == 8
    found = executed(examples, served)
    shown = capsys.readouterr().out
    assert "model_not_found model" in shown
    content = events.body("evt_1", "response.completed", time.time(), found["first"].id)
    found["on_post"](content, events.headers("evt_1", content, secret, time.time()))
    assert capsys.readouterr().out.strip() == found["first"].output_text


def test_the_lines_of_the_readme_resume_a_stream(served: Api, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("README.md", "python")
    example = example.replace("Count.", "[words-20@100] Count.")  # in several pieces
    found = executed([example], served)
    assert capsys.readouterr().out == ""  # the first loop has read to the end
    resuming = "for event" + example.rpartition("for event")[2]
    executed([resuming], served, **found | {"last": 5})
    rest = capsys.readouterr().out
    text = found["client"].responses.retrieve(found["response_id"]).output_text
    assert rest
    assert text.removesuffix(rest) not in ("", text)


def test_clients_are_pointed_to_the_api(served: Api, tmp_path: Path) -> None:
    """In a process: the examples leave their connections open."""
    examples = blocks("docs/clients.md", "python")
    (tmp_path / "examples.py").write_text(here("\n".join(examples), served))
    shown = run(sys.executable, "-m", "examples", env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert shown.count("w0 w1") == sum(example.count("print(") for example in examples)


@pytest.mark.parametrize("document", ["docs/api.md", "docs/clients.md"])
def test_the_commands_succeed(served: Api, document: str, tmp_path: Path) -> None:
    lines = re.findall(r"^\$ (.*)$", "".join(blocks(document, "console")), re.MULTILINE)
    assert lines
    if shutil.which("curl") is None:
        skip_without("curl")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**served.stack.env, "PATH": path, "LLM_USER_PATH": str(tmp_path), "LLM_LOAD_PLUGINS": ""}
    env |= {"OPENAI_BASE_URL": served.base_url, "OPENAI_API_KEY": served.key}
    shown = ""
    for line in lines:
        if ids := UUID.findall(shown):
            line = UUID.sub(ids[-1], line)  # of a key that a line before has made
        shown += run_line(here(line, served), env)


def run_line(line: str, env: dict[str, str]) -> str:
    """Run a line, and return what it printed. Programs in Python are forks: their imports take seconds."""
    python = PYTHON.fullmatch(line)
    if python is None:
        return run("bash", "-ec", line, env=env)
    program, arguments = python.groups()
    words = [Template(word).substitute(env) for word in shlex.split(arguments)]
    return run(sys.executable, *PROGRAMS[program], *words, env=env)
