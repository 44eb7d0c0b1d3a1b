from dataclasses import replace
from pathlib import Path

import pytest

from project.up import guest_key, private_file
from project.up.environment import LOCAL_MODEL, Embedded
from project.up.parts import Options
from project.up.summary import masked, summary

OPTIONS = Options(port=8233, flower_port=5633, workers=2, data_dir=Path("/data"))
EMBEDDED = Embedded(redis_port=20_001, model_port=20_002)
OUTSIDE = Embedded(redis_port=None, model_port=None)
REDIS = {"REDIS_URL": "redis://127.0.0.1:20001/0", "FLOWER_BASIC_AUTH": "tailrace:once"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://user:pass@host:6379/0", "redis://***@host:6379/0"),
        ("redis://:pa/ss@wo#rd@host/0", "redis://***@host/0"),
        ("postgres://host/db?password=pass", "postgres://host/db"),
        ("/data/db.sqlite3", "/data/db.sqlite3"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_the_summary_lists_every_address(tmp_path: Path) -> None:
    private_file.write(tmp_path / guest_key.FILE_NAME, "tr_shown\n")
    options = replace(OPTIONS, data_dir=tmp_path)
    env = {**REDIS, "OPENAI_MODEL": LOCAL_MODEL, "OPENAI_BASE_URL": "http://127.0.0.1:20002/v1"}
    lines = summary(options, EMBEDDED, env, answers=100).splitlines()
    assert [line.split(maxsplit=0)[0] for line in lines if line] == [
        "Tailrace runs.",
        "page          http://127.0.0.1:8233/",
        "minimal page  http://127.0.0.1:8233/minimal/",
        "API           OPENAI_BASE_URL=http://127.0.0.1:8233/v1 OPENAI_API_KEY=tr_shown",
        "health        http://127.0.0.1:8233/readyz",
        "Flower        http://127.0.0.1:5633/ (user tailrace, password once)",
        "Redis         redis://127.0.0.1:20001/0",
        f"database      {tmp_path}/db.sqlite3",
        "workers       2, up to 100 answers each",
        "model         smollm2-135m-instruct, on this machine (http://127.0.0.1:20002/v1)",
        f"data          {tmp_path}",
        "stop          Ctrl-C",
    ]


def test_without_a_key_the_summary_says_how_to_make_one() -> None:
    shown = summary(OPTIONS, OUTSIDE, REDIS, answers=1)
    assert (
        "\nAPI           OPENAI_BASE_URL=http://127.0.0.1:8233/v1, keys by `manage.py key create`\n" in shown
    )


@pytest.mark.parametrize(
    ("env", "model"),
    [
        ({"OPENAI_API_KEY": "k"}, "the first of GET /models, elsewhere (https://api.openai.com/v1)"),
        ({"OPENAI_BASE_URL": "http://u:p@gpu/v1", "OPENAI_MODEL": "m"}, "m, elsewhere (http://***@gpu/v1)"),
        (
            {"OPENAI_BASE_URL": "http://[::1]:1/v1"},
            "the first of GET /models, on this machine (http://[::1]:1/v1)",
        ),
        ({"TAILRACE_MODELS": "models.toml", "OPENAI_MODEL": "m"}, "those of models.toml"),
    ],
)
def test_the_model_that_answers_is_named(env: dict[str, str], model: str) -> None:
    assert f"\nmodel         {model}\n" in summary(OPTIONS, OUTSIDE, {**REDIS, **env}, answers=1)


def test_advice_follows_the_table() -> None:
    lines = summary(OPTIONS, OUTSIDE, REDIS, 1, ["Ollama runs here, too"]).splitlines()
    assert lines[-3:] == ["stop          Ctrl-C", "", "Ollama runs here, too"]


def test_no_secret_is_shown() -> None:
    env = {
        "REDIS_URL": "redis://:secret@host",
        "FLOWER_BASIC_AUTH": "me:secret",
        "DATABASE_URL": "postgres://u:secret@host/db",
        "OPENAI_API_KEY": "secret",
        "OPENAI_BASE_URL": "https://u:secret@host/v1",
    }
    assert "secret" not in summary(OPTIONS, OUTSIDE, env, answers=1)
