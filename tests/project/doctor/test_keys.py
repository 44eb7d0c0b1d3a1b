from pathlib import Path

import pytest
from pytest_django import Settings

from chat.responses.model_catalog import ModelConfig
from project.doctor import keys
from project.doctor.finding import State, UnavailableError
from tests.project.doctor.looks import faults


def test_a_model_whose_variable_is_not_set_is_a_warning_that_names_it() -> None:
    models = [
        ModelConfig("far", "https://gpu/v1", key_env="FAR_KEY"),
        ModelConfig("near", "http://127.0.0.1:1/v1", key_env="NEAR_KEY"),
        ModelConfig("empty", "http://127.0.0.1:2/v1", key_env="EMPTY_KEY"),
    ]
    found = keys.judged(models, {"FAR_KEY": "secret", "EMPTY_KEY": ""})
    assert faults(found) == {"model near": State.WARNING, "model empty": State.WARNING}
    assert found[0].found == "https://gpu/v1, FAR_KEY is set"
    assert "NEAR_KEY" in found[1].remedy


@pytest.mark.parametrize("key", ["sk-a\nsk-b", "sk-\x07", "sk-…"])
def test_a_key_that_no_header_can_carry_is_an_error_without_the_key(key: str) -> None:
    [finding] = keys.judged([ModelConfig("far", "https://gpu/v1", key_env="FAR_KEY")], {"FAR_KEY": key})
    assert faults([finding]) == {"model far": State.ERROR}
    assert "FAR_KEY holds a " in finding.found
    assert "sk-" not in finding.found + finding.remedy


def test_white_space_around_a_key_is_no_fault() -> None:
    [finding] = keys.judged([ModelConfig("far", "https://gpu/v1", key_env="FAR_KEY")], {"FAR_KEY": " sk-a\n"})
    assert finding.state is State.OK


@pytest.mark.parametrize("base_url", ["gpu/v1", "ftp://gpu/v1", "https://user:hush@gpu/v1"])
def test_an_unusable_base_url_is_an_error_that_names_its_variable(settings: Settings, base_url: str) -> None:
    settings.TAILRACE_MODELS, settings.TAILRACE_OPENAI_BASE_URL = "", base_url
    with pytest.raises(UnavailableError) as raised:
        keys.examine()
    assert raised.value.finding.found.startswith("OPENAI_BASE_URL: the base URL must ")
    assert "hush" not in raised.value.finding.found


def test_the_configured_models_are_checked_but_not_the_demo(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TAILRACE_MODELS = ""
    settings.TAILRACE_OPENAI_MODEL = "mine"
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert [(each.state, each.what) for each in keys.examine()] == [(State.OK, "model mine")]


def test_a_program_is_loaded_and_has_no_key() -> None:
    good = ModelConfig("good", program="tests.workers.programs.samples:everything", key_env="NO_KEY")
    bad = ModelConfig("bad", program="tests.workers.programs.samples:no_yield")
    found = keys.judged([good, bad], {})
    assert faults(found) == {"model bad": State.ERROR}
    assert found[0].found == "program tests.workers.programs.samples:everything"
    assert found[1].found == "tests.workers.programs.samples:no_yield is no async generator function"


def test_an_unusable_models_file_is_an_error_that_names_it(settings: Settings, tmp_path: Path) -> None:
    settings.TAILRACE_MODELS = str(tmp_path / "models.toml")
    with pytest.raises(UnavailableError) as raised:
        keys.examine()
    assert settings.TAILRACE_MODELS in raised.value.finding.found


@pytest.mark.parametrize(("name", "state"), [("far", State.OK), ("farr", State.ERROR), ("code", State.ERROR)])
def test_the_title_model_is_one_of_the_catalog_with_a_server(name: str, state: State) -> None:
    models = [ModelConfig("far", "https://gpu/v1"), ModelConfig("code", program="a.b:c")]
    (finding,) = keys.of_titles(models, name)
    assert (finding.what, finding.state) == ("title model", state)
    assert ("TAILRACE_TITLE_MODEL" in finding.remedy) == (state is State.ERROR)
    assert keys.of_titles(models, "") == []
