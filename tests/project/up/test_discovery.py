"""The model servers of this machine, on ports of the test; real servers answer, or do not."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from project.up import discovery, ports, probes
from project.up.discovery import KINDS, Server
from project.up.environment import LOCAL_MODEL
from project.up.errors import ModelError
from tests.harness.model_server import Service, serving
from tests.harness.waiting import LEAST_SECS, wait_until, within

PROBE_SECS = 100  # more than any server of the tests takes

OLLAMA, LLAMA_CPP, LM_STUDIO, VLLM = KINDS
MODELS: dict[str, list[dict[str, Any]]] = {
    "ollama": [
        {"id": name, "owned_by": "library"} for name in ("nomic-embed-text:latest", "llama3.2:latest")
    ],
    "llama.cpp": [{"id": "models/a b.gguf", "owned_by": "llamacpp"}],
    "lmstudio": [
        {"id": "hidden", "type": "embeddings"},
        {"id": "qwen/qwen3-8b", "owned_by": "organization_owner"},
    ],
    "vllm": [{"id": "meta/llama", "owned_by": "vllm"}],
}


@contextmanager
def machine(monkeypatch: pytest.MonkeyPatch, models: dict[str, Any]) -> Iterator[None]:
    """A machine with these servers; the ports of the other kinds are closed."""
    with ExitStack() as running:
        started = {
            kind: running.enter_context(serving(Service(models=rows))).port for kind, rows in models.items()
        }
        kinds = tuple(replace(kind, port=started.get(kind.name) or ports.pick_free()) for kind in KINDS)
        monkeypatch.setattr(discovery, "KINDS", kinds)
        monkeypatch.setattr(probes, "PROBE_SECS", PROBE_SECS)
        yield


def found(taken: Iterable[int] = ()) -> list[Server]:
    """The servers, also on a busy machine."""
    return discovery.found(taken, secs=None)


def test_each_kind_of_server_is_found_with_its_models(monkeypatch: pytest.MonkeyPatch) -> None:
    with machine(monkeypatch, MODELS):
        servers = found()
    assert [(server.kind.name, server.names()) for server in servers] == [
        ("ollama", ["ollama/llama3.2:latest", "ollama/nomic-embed-text:latest"]),  # chat models first
        ("llama.cpp", ["llama.cpp/models/a b.gguf"]),
        ("lmstudio", ["lmstudio/qwen/qwen3-8b", "lmstudio/hidden"]),
        ("vllm", ["vllm/meta/llama"]),
    ]


def test_a_machine_without_servers_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with machine(monkeypatch, {}):
        assert found() == []


def test_another_server_on_a_common_port_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {"llama.cpp": [{"id": "m", "owned_by": "others"}], "vllm": [{"id": "m"}]}
    with machine(monkeypatch, others):
        assert found() == []


def test_our_own_ports_are_not_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    with machine(monkeypatch, MODELS):
        servers = found([kind.port for kind in discovery.KINDS[1:]])
        assert found([kind.port for kind in discovery.KINDS]) == []
    assert [server.kind.name for server in servers] == ["ollama"]


@pytest.mark.slow
def test_a_silent_server_costs_a_moment_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with machine(monkeypatch, MODELS), socket.create_server((ports.HOST, 0)) as silent:
        kinds = [*discovery.KINDS[1:], replace(OLLAMA, port=silent.getsockname()[1])]
        monkeypatch.setattr(discovery, "KINDS", kinds)

        def are_found() -> bool:
            with within(PROBE_SECS / 5):
                return len(discovery.found()) == 3

        wait_until(are_found, LEAST_SECS, "the others reply in the moment")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"data": 5}', b'{"data": ["m"]}', b'{"data": [{"name": 1}]}', b"\xff"]
)
def test_nonsense_is_no_server(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    with machine(monkeypatch, {"ollama": body}):
        assert found() == []


SERVERS = [
    Server(OLLAMA, ("llama3.2:latest", "qwen3:8b")),
    Server(LLAMA_CPP, ("models/a b.gguf",)),
    Server(LM_STUDIO, ()),
]


def test_the_advice_is_a_command_for_each_server() -> None:
    assert discovery.advice(SERVERS) == [
        "Ollama runs here, too (http://127.0.0.1:11434/v1): "
        "uv run manage.py up --model ollama/llama3.2:latest",
        "llama.cpp runs here, too (http://127.0.0.1:8080/v1): "
        "uv run manage.py up --model 'llama.cpp/models/a b.gguf'",
        "LM Studio runs here, too (http://127.0.0.1:1234/v1): it has no model yet",
    ]


@pytest.mark.parametrize(
    ("name", "base_url", "model"),
    [
        ("ollama/llama3.2:latest", "http://127.0.0.1:11434/v1", "llama3.2:latest"),
        ("ollama/llama3.2", "http://127.0.0.1:11434/v1", "llama3.2:latest"),
        ("ollama/qwen3:8b", "http://127.0.0.1:11434/v1", "qwen3:8b"),
        ("llama.cpp/models/a b.gguf", "http://127.0.0.1:8080/v1", "models/a b.gguf"),
        (LOCAL_MODEL, "", ""),
    ],
)
def test_a_chosen_model_hides_every_other_and_the_key(name: str, base_url: str, model: str) -> None:
    assert discovery.chosen(name, SERVERS) == {
        "OPENAI_BASE_URL": base_url,
        "OPENAI_MODEL": model,
        "OPENAI_API_KEY": "",
        "TAILRACE_MODELS": "",
    }


@pytest.mark.parametrize(
    ("url", "model", "key"),
    [
        ("https://gpu/v1?api-version=1", "", {}),
        ("HTTPS://gpu/v1#m", "m", {}),
        ("http://localhost:8000/v1#org/m", "org/m", {}),
        ("http://127.0.0.1:8000/v1#m", "m", {}),
        ("http://127.8.0.1/v1#m", "m", {}),
        ("http://[::1]:8000/v1#m", "m", {}),
        ("http://gpu:8000/v1#org/m", "org/m", {"OPENAI_API_KEY": ""}),
        ("http://10.0.0.9:8080/v1#x", "x", {"OPENAI_API_KEY": ""}),
        ("http://127.0.0.1.example/v1#x", "x", {"OPENAI_API_KEY": ""}),
        ("http://localhost.example/v1#x", "x", {"OPENAI_API_KEY": ""}),
    ],
)
def test_a_url_is_taken_as_it_is_and_the_key_not_sent_in_clear(
    url: str, model: str, key: dict[str, str]
) -> None:
    assert discovery.chosen(url, []) == {
        "OPENAI_BASE_URL": url.partition("#")[0],
        "OPENAI_MODEL": model,
        "TAILRACE_MODELS": "",
        **key,
    }


@pytest.mark.parametrize("url", ["ftp://gpu/v1#m", "http://#m", "http://user:hush@gpu/v1#m"])
def test_an_unusable_url_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ModelError, match="--model: the base URL must") as raised:
        discovery.chosen(url, [])
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("name", ["other", "ollama", "ollama/", "ollama/llama3", "vllm/m", "lmstudio/m"])
def test_an_unknown_name_lists_what_there_is(name: str) -> None:
    with pytest.raises(ModelError) as raised:
        discovery.chosen(name, SERVERS)
    assert str(raised.value).splitlines() == [
        f"There is no model {name} on this machine.",
        f"Choose from {LOCAL_MODEL}, ollama/llama3.2:latest, ollama/qwen3:8b, llama.cpp/models/a b.gguf, "
        "or a URL as http://host:port/v1#NAME.",
        "Not found: vLLM.",
    ]
