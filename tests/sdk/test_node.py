"""OpenAI's SDK for Node creates, reads, resumes, cancels and deletes responses, under each server."""

import pytest

from tests.sdk.conftest import Api
from tests.sdk.judging import Judge
from tests.sdk.nodes import Scenario, scenarios_of

NAMES = (
    "an answer as one reply",
    "a stream, and again from some numbers",
    "a background answer is left, and followed by the helper",
    "an answer is cancelled from elsewhere",
    "a deleted answer is gone",
    "the input is listed",
    "a loop of calls",
    "an answer is parsed",
    "refusals and failures are errors",
    "the catalog is the list of models",
    "a file is uploaded, listed, read and deleted",
)


@pytest.fixture(scope="module")
def scenarios(api: Api) -> dict[str, Scenario]:
    """The results of all, by one process."""
    control = f"http://127.0.0.1:{api.stack.upstream.port}/control"
    return scenarios_of("responses.mjs", api.base_url, api.key, control)


@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_for_node(scenarios: dict[str, Scenario], judge: Judge, name: str) -> None:
    assert scenarios[name].error == ""
    judge.replies += scenarios[name].replies


def test_no_scenario_is_left_out(scenarios: dict[str, Scenario]) -> None:
    assert tuple(scenarios) == NAMES
