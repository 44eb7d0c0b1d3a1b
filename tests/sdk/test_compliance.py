"""llm-comply, the suites of Open Responses and of chat completions, under each server: each test passes."""

from dataclasses import replace
from importlib.resources import files

import llm_comply
import pytest
from llm_comply.tests.open_responses import OPEN_RESPONSES_TESTS
from llm_comply.tests.openai_chat import OPENAI_CHAT_TESTS

from tests.harness.waiting import deadline
from tests.sdk.conftest import Api

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")  # of the suite

SUITES = {"openresponses": (13, OPEN_RESPONSES_TESTS), "openai_chat": (9, OPENAI_CHAT_TESTS)}
MODEL = "scripted-vision"  # the suites send a picture


@pytest.mark.parametrize("name", SUITES)
def test_the_suite_passes(api: Api, name: str) -> None:
    count, cases = SUITES[name]
    config = llm_comply.ComplianceConfig(api.base_url, api.key, MODEL, timeout=deadline())
    every = [replace(case, skip_reason=None) for case in cases]  # of reasoning, by the model's name
    schema = llm_comply.SpecLoader(str(files("llm_comply") / f"specs/{name}.json"))
    suite = llm_comply.TestRunner(config, every, schema).run_all()
    assert [(result.id, result.errors) for result in suite.results if result.errors] == []
    assert (suite.passed, suite.total) == (count, count)
