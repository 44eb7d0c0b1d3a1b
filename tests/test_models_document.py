"""Each line and each entry of docs/models.md is answered by a server that behaves as the named one does."""

import os
import re
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from chat.protocol.errors import FAILURES
from chat.responses.model_catalog import DEMO, ModelConfig, catalog, read
from chat.responses.remedies import REMEDIES
from project.doctor import report
from project.doctor.finding import State
from project.doctor.models import answers, asking
from project.doctor.models.answers import Asked
from project.doctor.models.connection import Cause
from project.doctor.models.trial import Trial
from tests.harness.model_server import Service, serving
from tests.harness.processes import ROOT
from tests.harness.upstream import Upstream
from tests.test_docs import column, section
from workers.providers.probe import Listing
from workers.providers.request import request_headers

DOCUMENT = (ROOT / "docs/models.md").read_text()
OPENAI = {"key": "KEY", "refused": ("max_tokens",)}  # newer models
AZURE = {**OPENAI, "key_header": "api-key"}
TAGS = ({"content": "<think>h"}, {"content": "m</think>"}, {"content": "1,"}, {"content": "2"})
REASONS = ({"reasoning_content": "hm "}, {"reasoning_content": "so "}, {"content": "1,"}, {"content": "2"})
# behaviour by heading; the path is that of the documented address
SERVICES: dict[str, dict[str, Any]] = {
    "Ollama": {},
    "llama.cpp": {},
    "LM Studio": {},
    "vLLM": {"deltas": TAGS},
    "OpenAI": OPENAI,
    "Azure, by deployment": {**AZURE, "query": {"api-version": "2024-10-21"}, "lists": False},
    "Azure, /openai/v1": AZURE,
    "LiteLLM": OPENAI,
    "OpenRouter": {"key": "KEY", "deltas": REASONS},
    "Mistral": {"key": "KEY", "refused": ("stream_options", "max_completion_tokens")},
    "Gemini": {"key": "KEY", "deltas": ({"content": "1,"}, {"content": "2"})},
    "DeepSeek": {"key": "KEY", "deltas": REASONS},
}


def blocks(heading: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", section(DOCUMENT, heading), re.DOTALL)


@pytest.fixture(params=list(SERVICES))
def heading(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_server_has_one_line_and_one_entry() -> None:
    headings = re.findall(r"^### (.+)$", DOCUMENT, re.MULTILINE)
    assert headings == list(SERVICES)
    for heading in headings:
        assert (len(blocks(heading, "console")), len(blocks(heading, "toml"))) == (1, 1)


def test_the_line_of_each_server_is_answered(
    heading: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    [line] = blocks(heading, "console")
    words = shlex.split(line.removeprefix("$ "))
    given = dict(word.split("=", 1) for word in words[: words.index("uv")])
    monkeypatch.setenv("OPENAI_API_KEY", given.pop("OPENAI_API_KEY", ""))
    for name, value in given.items():
        setattr(settings, f"TAILRACE_{name}", value)
    settings.TAILRACE_MODELS = ""
    [model] = [model for model in catalog().values() if model.name != DEMO]
    assert_answered(heading, model)


def test_the_entry_of_each_server_is_answered(
    heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [entry] = blocks(heading, "toml")
    file = tmp_path / "models.toml"
    file.write_text(entry)
    [model] = read(file)
    monkeypatch.setenv(model.key_env, "KEY" if "key" in SERVICES[heading] else "")
    assert_answered(heading, replace(model, upstream_model=model.upstream_model or model.name))
    assert tomllib.loads(entry)["models"][0].keys() - {"base_url", "name"}


def assert_answered(heading: str, model: ModelConfig) -> None:
    """Ask the model at the path of its address on this machine, with the headers for its real host."""
    path = urlsplit(model.base_url).path
    name = model.upstream_model or "listed"
    headers = request_headers(model, os.environ)
    with serving(Service(path=path, models=[{"id": name}], **SERVICES[heading])) as service:
        moved = replace(model, base_url=service.base_url, headers=headers)
        [finding] = asking.examine([moved], len)
    assert finding.state is not State.ERROR, finding
    assert f"{service.base_url}, {name}, " in finding.found
    assert ": streams, first token " in finding.found


def test_the_entry_of_the_responses_api_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [entry] = blocks("OpenAI's Responses API", "toml")
    file = tmp_path / "models.toml"
    file.write_text(entry)
    [model] = read(file)
    monkeypatch.setenv(model.key_env, "KEY")
    with Upstream.start(api_key="KEY") as upstream:
        moved = replace(model, base_url=upstream.base_url, upstream_model="[reasoning-3+search+words-1]")
        [finding] = asking.examine([moved], len)
    assert finding.state is State.OK, finding


def test_the_table_of_failures_has_every_remedy_and_no_other() -> None:
    assert FAILURES.keys() == REMEDIES.keys()
    codes = [cell.strip("`") for cell in column(DOCUMENT, "Failures")]
    assert dict(zip(codes, column(DOCUMENT, "Failures", 1), strict=True)) == REMEDIES


def test_the_lines_that_the_doctor_is_shown_to_print_are_those_that_it_prints(settings: Settings) -> None:
    settings.TAILRACE_MODELS = "models.toml"
    gpt = ModelConfig("gpt-5-mini", "https://api.openai.com/v1", upstream_model="gpt-5-mini")
    gpt = replace(gpt, images=True, tools=True)
    llama = ModelConfig("llama", "http://127.0.0.1:8000/v1", upstream_model="llama", tools=True)
    far = ModelConfig("far", "http://gpu/v1", upstream_model="m")
    remedy = "Correct the host in the base URL, or the name service (DNS) of this machine."
    fast = Trial(pieces=9, first_token_secs=0.08, text="1, 2", usage={"output_tokens": 4})
    slow = replace(fast, first_token_secs=0.42)
    sized = Listing(contexts=(("llama", 8192),))
    found = [
        answers.judged(Asked(gpt, Listing(), slow, tools=True, images=True), {"OPENAI_API_KEY": "k"}),
        answers.judged(Asked(llama, sized, fast, tools=True, images=False), {}),
        answers.failed(far, "upstream_unreachable", Cause("No host is named gpu.", remedy)),
    ]
    shown = section(DOCUMENT, "Check").split("```\n")[2].splitlines()
    assert shown == report.text(found, colour=False).splitlines()[: len(found)]
