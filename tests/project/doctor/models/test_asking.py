"""Each misconfiguration of a model has one line, with its cause and its remedy; asked of real servers."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from chat.protocol.errors import FAILURES
from chat.responses.model_catalog import Deadlines, ModelConfig
from chat.responses.remedies import REMEDIES
from project.doctor.finding import Finding, State
from project.doctor.models import answers, asking
from project.doctor.models.trial import Trial
from project.up import ports
from tests.harness.model_server import Service, serving
from tests.harness.upstream import Upstream
from tests.workers.targets import unaccepting
from workers.providers.probe import Listing

KEY = "DOCTOR_TESTS_KEY"  # set by these tests alone
DEADLINES = Deadlines(connect=5, first_token=30, between_tokens=30, total=60)
CERTIFICATE = ("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "1", "-subj", "/CN=test")
NEITHER = "does not refuse tools, does not refuse images"
NOTHING: Callable[[str], object] = len


@pytest.fixture(autouse=True)
def _catalog(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TAILRACE_MODELS = "models.toml"  # lines to write are a catalog's
    monkeypatch.setenv(KEY, "right")


def model_of(base_url: str, upstream_model: str = "m", **fields: Any) -> ModelConfig:
    fields = {"deadlines": DEADLINES, "key_env": KEY, "tools": True, "images": True, **fields}
    return ModelConfig("mine", base_url, upstream_model=upstream_model, **fields)


def line_of(model: ModelConfig) -> Finding:
    """The one line of a model."""
    [finding] = asking.examine([model], NOTHING)
    assert finding.what == f"model {model.name}"
    assert "\n" not in finding.found + finding.remedy
    assert "right" not in finding.found + finding.remedy
    return finding


def test_a_model_that_works_has_a_line_with_all_that_works() -> None:
    with serving(Service(key="right")) as service:
        finding = line_of(model_of(service.base_url, ""))
    assert (finding.state, finding.remedy) == (State.OK, "")
    before, _, after = finding.found.partition("first token ")
    assert before == f"{service.base_url}, m, {KEY}: streams, "
    assert after.endswith(f" ms, usage, {NEITHER}")


def test_a_small_answer_is_asked_for() -> None:
    with serving(Service()) as service:
        line_of(model_of(service.base_url))
    bodies = [body for _, _, body in service.requests if body]
    assert [max(body.get("max_tokens", 0), body.get("max_completion_tokens", 0)) for body in bodies] == [
        64
    ] * 3


def test_a_key_that_is_not_needed_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY)
    with serving(Service()) as service:
        finding = line_of(model_of(service.base_url))
    assert finding.state is State.OK
    assert ", no key: streams" in finding.found


@pytest.mark.parametrize(
    ("service", "fields", "found", "remedy"),
    [
        (Service(takes_images=False), {}, "does not refuse tools, no images", "Write images = false"),
        (Service(refused=("tools",)), {}, "no tools, does not refuse images", "Write tools = false"),
        (Service(refused=("tools",)), {"tools": False}, "no tools, does not refuse images", ""),
        (Service(), {"images": False}, NEITHER, ""),
        (Service(), {"tools": False}, NEITHER, ""),
        (Service(takes_images=False), {"images": False}, "does not refuse tools, no images", ""),
        (Service(broken=("tools",)), {}, "unknown: tools, does not refuse images", ""),
        (Service(broken=("images",)), {}, "does not refuse tools, unknown: images", ""),
        (Service(models=[{"id": "m", "max_model_len": 8192}]), {}, NEITHER, "Write context = 8192"),
        (
            Service(models=[{"id": "m", "context_length": 8192}]),
            {"context": 9000, "tools": False},
            NEITHER,
            "Write context = 8192",
        ),
        (Service(models=[{"id": "m", "context_window": 8192}]), {"context": 8192}, NEITHER, ""),
        (Service(usage=False), {}, "no usage", "Switch usage on"),
        (Service(usage=False), {"without": ("stream_options",)}, "no usage", ""),
    ],
)
def test_a_difference_is_a_warning_with_the_line_to_write(
    service: Service, fields: dict[str, Any], found: str, remedy: str
) -> None:
    with serving(replace(service)) as running:
        finding = line_of(model_of(running.base_url, **fields))
    assert finding.state is (State.WARNING if remedy else State.OK)
    assert found in finding.found
    assert finding.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("secs", "state", "found"),
    [
        (1.2, State.WARNING, "in one piece, first token 1200 ms"),
        (0.2, State.OK, "streams, first token 200 ms"),
    ],
)
def test_a_slow_answer_in_one_piece_is_buffered_somewhere(secs: float, state: State, found: str) -> None:
    trial = Trial(pieces=1, first_token_secs=secs, text="1, 2, 3", usage={"output_tokens": 6})
    model = model_of("https://one.example/v1", tools=False)
    finding = answers.judged(answers.Asked(model, Listing(200, is_api=True), trial), {})
    assert finding.state is state
    assert found in finding.found
    assert finding.remedy.startswith("Switch streaming on" if state is State.WARNING else "")


def test_a_learned_setting_is_shown() -> None:
    with serving(Service(refused=("max_tokens", "stream_options"))) as service:
        finding = line_of(model_of(service.base_url))
    expected = 'learned: limit_field = "max_completion_tokens"; without = ["stream_options"]'
    assert finding.found.endswith(expected)


def test_without_a_catalog_the_line_is_a_variable(settings: Settings) -> None:
    settings.TAILRACE_MODELS = ""
    with serving(Service(models=[{"id": "m", "max_model_len": 8192}])) as service:
        finding = line_of(model_of(service.base_url, images=False))
    assert finding.remedy == "Write OPENAI_CONTEXT=8192"


def test_an_answer_of_hidden_reasoning_is_no_fault() -> None:
    with serving(Service(deltas=(), finish="length")) as service:
        finding = line_of(model_of(service.base_url))
    assert (finding.state, "reasons without showing it" in finding.found) == (State.OK, True)


def test_an_answer_without_a_word_is_a_fault() -> None:
    with serving(Service(deltas=())) as service:
        assert fault_of(line_of(model_of(service.base_url))) == ("empty_answer", "", REMEDIES["empty_answer"])


def fault_of(finding: Finding) -> tuple[str, str, str]:
    """The code whose sentence a line has, the cause after it, the remedy."""
    assert finding.state is State.ERROR
    code = next(code for code, sentence in FAILURES.items() if sentence in finding.found)
    return code, finding.found.partition(FAILURES[code])[2].strip(), finding.remedy


# the address


def test_a_closed_port(settings: Settings) -> None:
    port = ports.pick_free()
    code, cause, remedy = fault_of(line_of(model_of(f"http://127.0.0.1:{port}/v1")))
    assert (code, cause) == ("upstream_unreachable", f"Nothing listens at 127.0.0.1:{port}.")
    assert remedy.startswith("Start the model's server, or correct the port")


def test_a_host_that_does_not_exist() -> None:
    code, cause, remedy = fault_of(line_of(model_of("http://models.invalid/v1")))
    assert (code, cause) == ("upstream_unreachable", "No host is named models.invalid.")
    assert remedy.startswith("Correct the host in the base URL")


@pytest.mark.slow
def test_a_server_that_accepts_no_connection() -> None:
    with unaccepting() as base_url:
        code, cause, _ = fault_of(line_of(model_of(base_url, deadlines=Deadlines(connect=0.3))))
    assert (code, cause) == ("timeout_connect", f"{base_url[7:-3]} does not accept connections.")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that no authority has signed, with its key."""
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    done = subprocess.run([*CERTIFICATE, "-keyout", "-"], capture_output=True, check=True)
    path.write_bytes(done.stdout)
    return path


def test_a_certificate_of_no_known_authority(certificate: Path) -> None:
    with serving(Service(), certificate) as service:
        code, cause, remedy = fault_of(line_of(model_of(service.base_url)))
    assert (code, cause) == (
        "upstream_unreachable",
        "Its certificate is not trusted (self-signed certificate).",
    )
    assert "SSL_CERT_FILE" in remedy


def test_http_to_a_server_of_https(certificate: Path) -> None:
    with serving(Service(), certificate) as service:
        wrong = service.base_url.replace("https", "http")
        _, cause, remedy = fault_of(line_of(model_of(wrong)))
    assert (cause, remedy) == ("It speaks TLS.", f"Write https: {service.base_url}")


def test_https_to_a_server_of_http() -> None:
    with serving(Service()) as service:
        code, cause, remedy = fault_of(line_of(model_of(service.base_url.replace("http", "https"))))
    assert (code, cause) == ("upstream_unreachable", "It does not speak TLS.")
    assert remedy == f"Write http: {service.base_url}"


@pytest.mark.parametrize("right", ["/v1", "/openai/v1", "/api/v1", "/v1beta/openai"])
@pytest.mark.parametrize("key", ["right", "another"])
def test_a_wrong_path_names_the_right_one(right: str, key: str) -> None:
    with serving(Service(path=right, key=key)) as service:
        for wrong in {service.root, f"{service.root}/wrong"}:
            _, cause, remedy = fault_of(line_of(model_of(wrong)))
            assert cause == f"Nothing is at this path, but at {service.base_url}."
            assert remedy == f'Write base_url = "{service.base_url}"'


def test_a_redirect_names_its_target_and_is_not_followed() -> None:
    with serving(Service()) as there, serving(Service(redirect=there.root)) as here:
        code, cause, remedy = fault_of(line_of(model_of(here.base_url)))
    assert code == "upstream_wrong_address"
    assert (cause, remedy) == (f"It redirects to {there.base_url}.", f'Write base_url = "{there.base_url}"')
    assert there.requests == []  # they would carry the key


@pytest.mark.parametrize("target", ["http://[", "ftp://x", "//user:hush@x/y?"])
def test_a_redirect_to_no_list_of_models_is_not_named(target: str) -> None:
    with serving(Service(redirect=target)) as service:
        finding = line_of(model_of(service.base_url, "m"))
    assert (fault_of(finding)[0], "hush" in finding.found + finding.remedy) == (
        "upstream_wrong_address",
        False,
    )


def test_a_wrong_path_of_the_environment_is_a_variable(settings: Settings) -> None:
    settings.TAILRACE_MODELS = ""
    with serving(Service()) as service:
        _, _, remedy = fault_of(line_of(model_of(service.root)))
    assert remedy == f"Write OPENAI_BASE_URL={service.base_url}"


def test_the_endpoint_itself_as_the_base_url_works() -> None:
    with serving(Service()) as service:
        assert line_of(model_of(f"{service.base_url}/chat/completions")).state is State.OK


def test_a_deployment_without_its_version_names_it() -> None:
    azure = Service(path="/openai/deployments/d", query={"api-version": "2024-10-21"}, lists=False)
    with serving(azure) as service:
        assert line_of(model_of(f"{service.base_url}?api-version=2024-10-21")).state is State.OK
        _, cause, remedy = fault_of(line_of(model_of(service.base_url)))
    assert cause == "The address has no api-version."
    assert remedy.endswith(f'base_url = "{service.base_url}?api-version=2024-10-21"')


# the key, the credit, the model


def test_a_wrong_key_and_a_missing_one_name_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Service(key="another")) as service:
        code, cause, _ = fault_of(line_of(model_of(service.base_url)))
        assert (code, cause) == ("upstream_unauthorized", f"The key is from {KEY}.")
        monkeypatch.delenv(KEY)
        _, cause, remedy = fault_of(line_of(model_of(service.base_url)))
    assert (cause, remedy) == (f"{KEY} is not set here.", f"Set {KEY} where the workers run.")


@pytest.mark.parametrize("key", ["sk-right\nsk-right", "sk-right…", "“right”"])
def test_a_key_that_no_header_can_carry_is_not_sent(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(KEY, key)
    with serving(Service()) as service:
        finding = line_of(model_of(service.base_url))
    assert (finding.state, service.requests) == (State.ERROR, [])
    assert finding.found.startswith(f"{KEY} holds a ")


def test_an_account_without_credit() -> None:
    with serving(Service(status=402)) as service:
        finding = fault_of(line_of(model_of(service.base_url)))
    assert finding == ("upstream_no_credit", "", REMEDIES["upstream_no_credit"])


def test_an_unknown_model_names_the_nearest() -> None:
    listed = [{"id": name} for name in ("gpt-5", "gpt-5-mini", "o4", "text-embedding-3")]
    with serving(Service(models=listed)) as service:
        code, cause, remedy = fault_of(line_of(model_of(service.base_url, "gpt5-mini")))
    assert code == "upstream_not_found"
    assert cause == "It has no gpt5-mini, but gpt-5, gpt-5-mini, o4, text-embedding-3."
    assert remedy == 'Write upstream_model = "gpt-5-mini"'


@pytest.mark.parametrize(
    ("models", "cause", "remedy"),
    [
        (["text-embedding-3"], "It lists none for chat, but text-embedding-3.", "Load a model for chat"),
        ([], "It has no model.", "Load one at the server"),
    ],
)
def test_a_server_without_a_model_for_chat(models: list[str], cause: str, remedy: str) -> None:
    with serving(Service(models=[{"id": name} for name in models])) as service:
        code, found, advice = fault_of(line_of(model_of(service.base_url, "")))
    assert (code, found) == ("upstream_not_found", cause)
    assert advice.startswith(remedy)


def test_without_a_name_the_line_has_the_model_that_was_taken() -> None:
    with serving(Service(models=[{"id": "text-embedding-3"}, {"id": "gpt-5"}])) as service:
        assert f"{service.base_url}, gpt-5, " in line_of(model_of(service.base_url, "")).found


# faults of the stream


@pytest.mark.parametrize(
    ("behaviour", "code", "short"),
    [
        ("status-429", "rate_limit_exceeded", {}),
        ("status-500", "upstream_error", {}),
        ("cut-after-3", "upstream_cut", {}),
        ("bad-json-after-3", "upstream_malformed", {}),
        ("stall-first", "timeout_first_token", {"first_token": 1}),
        ("stall-after-3", "timeout_between_tokens", {"between_tokens": 1}),
        ("words-1000@10", "timeout_total", {"total": 2}),
    ],
)
@pytest.mark.slow
def test_a_fault_of_the_answer_is_its_sentence_and_its_remedy(
    upstream: Upstream, behaviour: str, code: str, short: dict[str, float]
) -> None:
    deadlines = replace(DEADLINES, **short)
    finding = line_of(model_of(upstream.base_url, f"[{behaviour}] doctor", deadlines=deadlines))
    assert fault_of(finding)[::2] == (code, REMEDIES[code])


def test_a_server_of_the_responses_api_is_asked_without_storing_anything(upstream: Upstream) -> None:
    model = model_of(upstream.base_url, "[fast] of the Responses API", api="responses")
    finding = line_of(model)
    assert (finding.state, finding.remedy) == (State.OK, "")
    assert finding.found.endswith(f" ms, usage, {NEITHER}")
    asked = upstream.requests(model.upstream_model)
    assert len(asked) == 3
    assert [(record.kind, record.body["store"]) for record in asked] == [("create", False)] * 3


def test_without_a_catalog_a_remedy_names_the_variable(upstream: Upstream, settings: Settings) -> None:
    settings.TAILRACE_MODELS = ""
    short = Deadlines(first_token=0.5)
    finding = line_of(model_of(upstream.base_url, "[stall-first] variable", deadlines=short))
    code, cause, remedy = fault_of(finding)
    assert (code, cause) == ("timeout_first_token", "The limit is 0.5 s.")
    assert remedy.startswith("Raise OPENAI_FIRST_TOKEN_SECONDS: ")


@pytest.mark.slow
def test_the_progress_continues_while_a_model_is_silent(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "EVERY_SECS", 0.01)
    said: list[str] = []
    model = model_of(upstream.base_url, "[stall-first] silent", deadlines=Deadlines(first_token=1))
    asking.examine([model], said.append)
    assert len(said) > 2
    assert said[:2] == ["asking mine: up to 1 s for a first token", "asking mine: 0.01 s"]


@pytest.mark.slow
def test_servers_are_asked_in_parallel_and_the_models_of_one_in_turn(upstream: Upstream) -> None:
    models = [
        replace(model_of(upstream.base_url, f"[words-3@{50 + number}] turn"), name=f"m{number}")
        for number in range(2)
    ]
    said: list[str] = []
    found = asking.examine(models, said.append)
    assert [finding.what for finding in found] == ["model m0", "model m1"]
    assert said == [f"asking m{number}: up to 30 s for a first token" for number in range(2)]
    times = [
        [(record.started_at, record.ended_at) for record in upstream.requests(model.upstream_model)]
        for model in models
    ]
    last_end = max(end or 0 for _, end in times[0])
    assert min(start for start, _ in times[1]) >= last_end
