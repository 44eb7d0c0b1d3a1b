import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.conf import settings
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, AuthenticationError

from project.up import environment, ports
from project.up.environment import LOCAL_MODEL
from tests.harness.waiting import deadline, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("local_parts")]

Server = subprocess.Popen[bytes]
PROMPT = "Tell of the mill and of the river, at length."


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log file of the server."""
    return tmp_path_factory.mktemp("model") / "log"


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    """The environment of a model of the tests' own."""
    embedded = environment.Embedded(redis_port=None, model_port=ports.pick_free())
    return environment.children(os.environ, embedded, Path())


@contextmanager
def running(env: dict[str, str], log: Path) -> Iterator[Server]:
    port = port_of(env)
    command = [sys.executable, "-m", "project.up.local_model", "--port", str(port)]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=settings.BASE_DIR, env=env, stdout=out, stderr=out) as process,
    ):
        try:
            wait_until(lambda: is_ready(port), 60, "the model loads")
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(log: Path, env: dict[str, str], local_parts: None) -> Iterator[Server]:
    """A running model."""
    with running(env, log) as process:
        yield process


def port_of(env: dict[str, str]) -> int:
    return int(env["OPENAI_BASE_URL"].rpartition(":")[2].removesuffix("/v1"))


def is_ready(port: int) -> bool:
    connection = HTTPConnection(ports.HOST, port)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@asynccontextmanager
async def client(env: dict[str, str], key: str = "") -> AsyncIterator[AsyncOpenAI]:
    key = key or env["OPENAI_API_KEY"]
    # it repeats a request whose kept connection the server closes in that moment, as workers do
    async with AsyncOpenAI(base_url=env["OPENAI_BASE_URL"], api_key=key) as openai:
        yield openai


async def ask(openai: AsyncOpenAI, tokens: int) -> tuple[str, str | None]:
    """Return the text and the finish reason of a streamed answer."""
    text, reason = "", None
    stream = await openai.chat.completions.create(
        model=LOCAL_MODEL, messages=[{"role": "user", "content": PROMPT}], max_tokens=tokens, stream=True
    )
    async for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        reason = chunk.choices[0].finish_reason
    return text, reason


async def test_it_lists_its_one_model(server: Server, env: dict[str, str]) -> None:
    async with client(env) as openai:
        assert [model.id async for model in await openai.models.list()] == [LOCAL_MODEL]


async def test_several_answers_are_streamed_at_the_same_time(server: Server, env: dict[str, str]) -> None:
    async with client(env) as openai:
        answers = await asyncio.gather(*(ask(openai, 8) for _ in range(6)))
    assert all(text and reason in {"length", "stop"} for text, reason in answers)


async def test_a_wrong_key_is_refused(server: Server, env: dict[str, str]) -> None:
    async with client(env, key="wrong") as openai:
        with pytest.raises(AuthenticationError):
            await ask(openai, 1)


async def test_no_prompt_is_logged(server: Server, env: dict[str, str], log: Path) -> None:
    async with client(env) as openai:
        await ask(openai, 1)
        with pytest.raises(APIStatusError):
            await openai.post("/chat/completions", cast_to=object, body={"messages": PROMPT})
    written = await asyncio.to_thread(log.read_text)
    assert written == f"{LOCAL_MODEL} listens on {env['OPENAI_BASE_URL'].removesuffix('/v1')}\n"


async def test_it_stops_at_once_in_the_middle_of_an_answer(env: dict[str, str], tmp_path: Path) -> None:
    own = environment.children(env, environment.Embedded(None, ports.pick_free()), Path())
    with running(own, tmp_path / "log") as process:
        async with client(own) as openai:
            stream = await openai.chat.completions.create(
                model=LOCAL_MODEL, messages=[{"role": "user", "content": PROMPT}], stream=True
            )
            await anext(stream)
            process.terminate()
            assert await asyncio.to_thread(process.wait, deadline()) == 0
            with pytest.raises(APIConnectionError):
                async for _ in stream:
                    pass


def test_it_listens_on_one_address_only(server: Server, env: dict[str, str]) -> None:
    with socket.socket() as elsewhere:
        # Linux reaches a server on all addresses through the whole of 127.0.0.0/8
        assert elsewhere.connect_ex(("127.0.0.2", port_of(env)))
