"""Keys and headers of models: stripped, or refused by the name of their variable."""

import pytest

from chat.responses.model_catalog import DEMO, DEMO_PROGRAM, ModelConfig
from chat.responses.model_keys import UnusableKeyError, faults, headers_of, key_of

MODEL = ModelConfig("far", "http://gpu/v1", key_env="FAR_KEY")


@pytest.mark.parametrize("key", ["sk-abc", "sk-abc\n", " sk-abc", "\tsk-abc\r\n"])
def test_white_space_around_a_key_is_not_sent(key: str) -> None:
    assert key_of(MODEL, {"FAR_KEY": key}) == "sk-abc"


@pytest.mark.parametrize("environ", [{}, {"FAR_KEY": ""}, {"FAR_KEY": " \n"}])
def test_a_key_may_be_missing(environ: dict[str, str]) -> None:
    assert key_of(MODEL, environ) == ""
    assert faults([MODEL], environ) == []


@pytest.mark.parametrize(
    "key",
    ["sk-abc…", "“sk-abc”", "sk-abcé", "sk-\nabc", "sk-\x00abc", "sk-\x7fabc", "Bearer sk-abc", "sk-\tabc"],
)
def test_an_unusable_key_is_refused_by_the_name_of_its_variable(key: str) -> None:
    with pytest.raises(UnusableKeyError, match="FAR_KEY") as raised:
        key_of(MODEL, {"FAR_KEY": key})
    assert "abc" not in str(raised.value)
    assert faults([MODEL], {"FAR_KEY": key}) == [str(raised.value)]


def test_a_header_has_the_value_of_its_variable() -> None:
    model = ModelConfig("m", "http://gpu/v1", headers={"X-Team": "$TEAM", "X-Price": "$5 or less"})
    assert headers_of(model, {"TEAM": "blue team\n"}) == {"X-Team": "blue team", "X-Price": "$5 or less"}


def test_a_header_names_variables_within_its_text() -> None:
    model = ModelConfig("m", "http://gpu/v1", headers={"Authorization": "Bearer $TOKEN", "X": "$A/$B"})
    variables = {"TOKEN": "t0\n", "A": "a", "B": "b"}
    assert headers_of(model, variables) == {"Authorization": "Bearer t0", "X": "a/b"}
    with pytest.raises(UnusableKeyError, match="TOKEN is not set"):
        headers_of(model, {"A": "a", "B": "b"})


@pytest.mark.parametrize(
    ("headers", "environ", "named"),
    [
        ({"X-Team": "$TEAM"}, {}, "TEAM is not set"),
        ({"X-Team": "$TEAM"}, {"TEAM": "secret\nvalue"}, "TEAM holds"),
        ({"X-Team": "secret\nvalue"}, {}, "the header X-Team holds"),
        ({"X Team": "secret"}, {}, "'X Team' cannot be the name"),
    ],
)
def test_an_unusable_header_is_refused_by_name(
    headers: dict[str, str], environ: dict[str, str], named: str
) -> None:
    [fault] = faults([ModelConfig("m", "http://gpu/v1", headers=headers)], environ)
    assert named in fault
    assert "secret" not in fault


def test_the_header_of_a_key_has_a_usable_name() -> None:
    [fault] = faults([ModelConfig("m", "http://gpu/v1", key_header="api key")], {})
    assert "'api key'" in fault


def test_a_variable_of_many_models_is_named_once_and_the_demo_needs_none() -> None:
    demo = ModelConfig(DEMO, program=DEMO_PROGRAM, key_env="FAR_KEY")
    assert len(faults([MODEL, MODEL, demo], {"FAR_KEY": "a b"})) == 1
    assert faults([demo], {"FAR_KEY": "a b"}) == []
