"""The catalog: models from the environment or from a file, and a file that is wrong says where."""

import json
import re
import traceback
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from chat.checks import can_read_models
from chat.responses.model_catalog import DEMO, DEMO_PROGRAM, Deadlines, ModelConfig, catalog, read

ONE = '[[models]]\nname = "one"\nbase_url = "http://one.example/v1"\n'
FULL = """
[[models]]
name = "large"
base_url = "http://large.example/v1"
key_env = "LARGE_KEY"
upstream_model = "large-2"
queue = "slow"
resume = "continue"
max_output_tokens = 2048
[models.deadlines]
first_token = 90
total = 900.5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "models.toml"


def test_without_a_file_the_environment_names_the_model(settings: Settings) -> None:
    settings.TAILRACE_MODELS = ""
    settings.TAILRACE_OPENAI_MODEL, settings.TAILRACE_OPENAI_BASE_URL = "m", "http://upstream.example/v1"
    settings.TAILRACE_OPENAI_MAX_OUTPUT_TOKENS, settings.TAILRACE_OPENAI_RESUME = 7, "continue"
    assert list(catalog().values()) == [
        ModelConfig(
            "m", "http://upstream.example/v1", upstream_model="m", max_output_tokens=7, resume="continue"
        ),
        ModelConfig(DEMO, program=DEMO_PROGRAM),
    ]


def test_the_queue_of_the_titles_is_no_models(file: Path) -> None:
    file.write_text(ONE + 'queue = "titles"\n')
    with pytest.raises(ImproperlyConfigured, match="queue must not be titles"):
        read(file)


def test_without_a_name_the_model_is_called_default_and_the_server_chooses(settings: Settings) -> None:
    settings.TAILRACE_MODELS = settings.TAILRACE_OPENAI_MODEL = ""
    default = next(iter(catalog().values()))
    assert (default.name, default.upstream_model) == ("default", "")


def test_a_file_names_the_models_and_the_first_is_the_default(file: Path, settings: Settings) -> None:
    file.write_text(FULL + ONE)
    settings.TAILRACE_MODELS = str(file)
    assert list(catalog()) == ["large", "one", DEMO]
    assert catalog()["large"] == ModelConfig(
        "large",
        "http://large.example/v1",
        key_env="LARGE_KEY",
        upstream_model="large-2",
        queue="slow",
        resume="continue",
        max_output_tokens=2048,
        deadlines=Deadlines(connect=10, first_token=90, between_tokens=60, total=900.5),
    )
    assert catalog()["one"] == ModelConfig("one", "http://one.example/v1")


def test_the_catalog_is_read_once(file: Path, settings: Settings) -> None:
    file.write_text(ONE)
    settings.TAILRACE_MODELS = str(file)
    first = catalog()
    file.unlink()
    assert catalog() is first


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("[[models]", "line 1"),
        ('[[models]]\nname = "one"\n', "models.0: Value error, the base URL must begin with"),
        ('[[models]]\nbase_url = "http://one.example"\n', "name"),
        (ONE + 'colour = "red"\n', "models.0.colour"),
        (ONE + "[models.deadlines]\nfirst = 5\n", "models.0.deadlines.first"),
        (ONE + "queue = 5\n", "queue"),
        (ONE + 'max_output_tokens = "many"\n', "max_output_tokens"),
        (ONE + '[models.deadlines]\ntotal = "long"\n', "models.0.deadlines.total"),
        (ONE + 'resume = "never"\n', "models.0.resume"),
        (ONE + "deadlines = 5\n", "deadlines"),
        ('[[models]]\nname = ["one"]\nbase_url = "http://one.example"\n', "name"),
        ('[models]\nname = "one"\n', "models"),
        ("", "needs [[models]]"),
        (ONE + ONE, "a unique name"),
        (ONE.replace("one", DEMO, 1), "a unique name"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(file: Path, text: str, reported: str) -> None:
    file.write_text(text)
    with pytest.raises(ImproperlyConfigured, match=re.escape(str(file))) as error:
        read(file)
    assert reported in str(error.value).replace(str(file), "")


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(str(file))):
        read(file)


def test_a_file_that_is_not_text_is_named(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match=re.escape(str(file))):
        read(file)


@pytest.mark.parametrize(
    ("given", "base_url", "query"),
    [
        ("https://one.example/v1/", "https://one.example/v1", {}),
        ("https://one.example/v1/chat/completions", "https://one.example/v1", {}),
        (" http://[::1]:8080/v1 \n", "http://[::1]:8080/v1", {}),
        (
            "https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
            "https://x.openai.azure.com/openai/deployments/d",
            {"api-version": "2024-10-21"},
        ),
    ],
)
def test_a_base_url_is_read_as_it_is_meant(given: str, base_url: str, query: dict[str, str]) -> None:
    model = ModelConfig("one", given)
    assert (model.base_url, model.query) == (base_url, query)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "one.example/v1",
        "localhost:11434/v1",
        "ftp://one.example",
        "http://one.example:p4ss/v1",
        "http://[::1/v1",
        "https:///v1",
        "http://one .example",
        "http://u:p4ss@one.example/v1",
        "http://one.example/\x00p4ss",
        "http://user:p4ss@ho\N{ACCOUNT OF}st/v1",
        "http://p4ss..b/v1",
        f"http://p4ss{'a' * 64}/v1",
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused_by_name_and_not_repeated(
    given: str, settings: Settings, file: Path
) -> None:
    settings.TAILRACE_MODELS, settings.TAILRACE_OPENAI_BASE_URL = "", given
    with pytest.raises(ImproperlyConfigured, match="OPENAI_BASE_URL") as error:
        catalog()
    assert "p4ss" not in "".join(traceback.format_exception(error.value))
    file.write_text(f'[[models]]\nname = "one"\nbase_url = {json.dumps(given)}\n')
    with pytest.raises(ImproperlyConfigured, match=r"models\.0") as error:
        read(file)
    assert "p4ss" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("context = -1\n", "models.0: Value error, context must be 0 or more"),
        ("max_output_tokens = -1\n", "models.0: Value error, max_output_tokens must be 0 or more"),
        ("[models.deadlines]\ntotal = -0.1\n", "models.0.deadlines: Value error, total must be 0 or more"),
        ("[models.deadlines]\ntotal = nan\n", "models.0.deadlines: Value error, total must be 0 or more"),
        ("parameters = {since = 2026-11-28}\n", "parameters must hold no date, time, inf or nan"),
        ("parameters = {top_p = nan}\n", "parameters must hold no date, time, inf or nan"),
        ('client_parameters = ["top_k", "stream", "n"]\n', "client_parameters must not name n, stream"),
    ],
)
def test_values_that_no_request_can_have_are_refused_by_name(file: Path, text: str, reported: str) -> None:
    file.write_text(ONE + text)
    with pytest.raises(ImproperlyConfigured) as error:
        read(file)
    assert reported in str(error.value)


@pytest.mark.parametrize(
    ("setting", "value", "variable"),
    [
        ("CONTEXT", -1, "OPENAI_CONTEXT: context"),
        ("MAX_OUTPUT_TOKENS", -1, "OPENAI_MAX_OUTPUT_TOKENS: max_output_tokens"),
        ("DEADLINES", {"first_token": -1}, "OPENAI_FIRST_TOKEN_SECONDS: first_token"),
    ],
)
def test_negative_numbers_are_refused_by_their_variable(
    settings: Settings, setting: str, value: object, variable: str
) -> None:
    settings.TAILRACE_MODELS = ""
    setattr(settings, f"TAILRACE_OPENAI_{setting}", value)
    with pytest.raises(ImproperlyConfigured, match=f"^{variable} must be 0 or more\\.$"):
        catalog()


def test_a_context_of_0_is_unknown(file: Path) -> None:
    file.write_text(ONE + "context = 0\n")
    assert read(file)[0].context is None


def test_a_program_stands_in_the_place_of_a_base_url(file: Path) -> None:
    file.write_text('[[models]]\nname = "one"\nprogram = "shop.answers:support"\nqueue = "programs"\n')
    assert read(file) == [ModelConfig("one", program="shop.answers:support", queue="programs")]


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        ({"base_url": "http://one.example", "program": "shop:support"}, "a base_url or a program, not both"),
        ({"program": "shop.answers"}, "program must name a module and its function"),
        ({"program": "shop/answers.py:support"}, "program must name a module and its function"),
        ({"program": "shop:support()"}, "program must name a module and its function"),
        ({"program": ""}, "the base URL must begin with"),
    ],
)
def test_an_unusable_name_of_a_program_is_refused(fields: dict[str, str], reported: str, file: Path) -> None:
    lines = {"name": "one"} | fields
    file.write_text(
        "[[models]]\n" + "".join(f"{name} = {json.dumps(text)}\n" for name, text in lines.items())
    )
    with pytest.raises(ImproperlyConfigured, match=reported):
        read(file)


def test_models_that_cannot_be_read_are_an_error_of_the_check(settings: Settings) -> None:
    settings.TAILRACE_MODELS = "/nowhere/models.toml"
    assert [found.id for found in can_read_models()] == ["chat.E002"]


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        ({"key_env": "sk-hush-123"}, "key_env must be the name of a variable"),
        ({"key_env": "$OPENAI_API_KEY"}, "key_env must be the name of a variable"),
        ({"name": ""}, "name must have 1 to 200 printable characters"),
        ({"name": "a\nhush"}, "name must have 1 to 200 printable characters"),
        ({"name": "a" * 201}, "name must have 1 to 200 printable characters"),
    ],
)
def test_a_wrong_name_is_refused_and_not_repeated(fields: dict[str, str], reported: str, file: Path) -> None:
    lines = {"name": "one", "base_url": "http://one.example/v1"} | fields
    file.write_text(
        "[[models]]\n" + "".join(f"{name} = {json.dumps(text)}\n" for name, text in lines.items())
    )
    with pytest.raises(ImproperlyConfigured, match=reported) as error:
        read(file)
    assert "hush" not in str(error.value)
