"""A picture in a question reaches the model byte for byte, and no log, row or command to Redis."""

import asyncio
import base64
import socket
import sqlite3
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from project.up.ports import HOST
from tests.harness.pictures import png
from tests.harness.socket_client import Event, Visitor, visiting
from tests.harness.stack import Stack
from tests.harness.upstream.digests import digest_of
from tests.security.guest import Guest

MODEL = "scripted-vision"
TAKEN_OVER = "[words-40+hold-after-10+times-1] What is in the picture?"
BY_DATA = "[words-3] What is in this one?"
REFUSED = "[words-3] May I see it, too?"
DELETED = "[words-3] What was in it?"
CANARY = b"canary-of-a-picture--"
TRACES = (CANARY, *(base64.b64encode(CANARY[at:] + CANARY[:at]) for at in range(3)))
MARK = "the end of the commands"


def has_trace(data: bytes) -> bool:
    return any(trace in data for trace in TRACES)


def question(prompt: str, **source: str) -> list[dict[str, Any]]:
    parts = [{"type": "input_text", "text": prompt}, {"type": "input_image", **source}]
    return [{"role": "user", "content": parts}]


async def ask(guest: Guest, prompt: str, **source: str) -> list[Event]:
    """Ask about a picture, and return the events to the end."""
    async with visiting(guest.address, guest.session) as visitor:
        return await visitor.answer(prompt, MODEL, input=question(prompt, **source))


class Commands:
    """All commands that a Redis executes from now on; it keeps them until they are read."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._connection = socket.create_connection((HOST, stack.ways.redis))
        self._connection.sendall(b"MONITOR\r\n")
        self._connection.recv(len(b"+OK\r\n"), socket.MSG_WAITALL)

    def read(self) -> bytes:
        """Return them, as Redis shows them, and stop."""
        self._stack.redis("ECHO", MARK)
        found = b""
        with closing(self._connection):
            while MARK.encode() not in found:
                found += self._connection.recv(1 << 20)
        return found


@dataclass(frozen=True)
class Asked:
    """Two questions that were answered, of a guest."""

    guest: Guest
    large: bytes
    small: bytes
    file_id: str
    responses: list[dict[str, Any]]
    commands: bytes


@pytest.fixture(scope="module")
def asked(stack: Stack, flower: str) -> Asked:
    """Ask about an uploaded picture, whose worker is killed in the answer, and about one in a data URL."""
    commands, guest = Commands(stack), Guest(stack.url)
    large, small = png(1_000, CANARY * 100), png(300, CANARY * 100)
    assert len(large) > 3_000_000
    file_id = guest.upload(large).json["id"]

    async def answered() -> list[Event]:
        async with visiting(guest.address, guest.session) as visitor:
            await visitor.create(TAKEN_OVER, MODEL, input=question(TAKEN_OVER, file_id=file_id))
            return await _after_a_kill(visitor, stack)

    first = asyncio.run(answered())[-1]["response"]
    url = f"data:image/png;base64,{base64.b64encode(small).decode()}"
    second = asyncio.run(ask(guest, BY_DATA, image_url=url))[-1]["response"]
    for response in (first, second):
        assert stack.settled(response["id"])["status"] == "completed"
    return Asked(guest, large, small, file_id, [first, second], commands.read())


async def _after_a_kill(visitor: Visitor, stack: Stack) -> list[Event]:
    begun = await visitor.until("response.output_text.delta")
    worker = stack.processes[stack.holder(begun[0]["response"]["id"])]
    worker.kill()
    rest = await visitor.until("tailrace:restarted", "response.failed")
    rest += await visitor.until("response.completed", "response.failed")
    worker.start()
    await asyncio.to_thread(stack.wait_for_workers, 2)
    return rest


def test_the_model_gets_an_uploaded_picture_byte_for_byte_in_each_attempt(asked: Asked, stack: Stack) -> None:
    first, second = stack.upstream.requests(TAKEN_OVER)
    assert first.aborted
    assert first.files == second.files == [digest_of("image/png", asked.large)]


def test_the_model_gets_a_picture_of_a_data_url_byte_for_byte(asked: Asked, stack: Stack) -> None:
    (request,) = stack.upstream.requests(BY_DATA)
    assert request.files == [digest_of("image/png", asked.small)]


def test_the_bytes_are_in_the_storage_alone(asked: Asked, stack: Stack, flower: str) -> None:
    pictures = [asked.large, asked.small]
    assert all(has_trace(picture) and has_trace(base64.b64encode(picture)) for picture in pictures)
    # rows, logs of all processes, Redis's own file
    holders = [path for path in stack.directory.rglob("*") if path.is_file() and has_trace(path.read_bytes())]
    assert {path.relative_to(stack.directory).parts[0] for path in holders} == {"files"}
    assert sorted(path.stat().st_size for path in holders) == sorted(map(len, pictures))
    assert all(response["id"].encode() in asked.commands for response in asked.responses)
    assert not has_trace(asked.commands)
    conversation = asked.responses[0]["conversation"]["id"]
    addresses = [f"/conversations/{conversation}/{path}" for path in ("", "responses/")]
    pages = [asked.guest.ask("GET", address).body for address in addresses]
    assert all(asked.file_id.encode() in page for page in pages)
    shown = [_fetched(f"{flower}/{path}") for path in ("api/tasks", "tasks", "api/workers?refresh=1")]
    shown += [_fetched(f"{flower}/task/{response['id']}") for response in asked.responses]
    assert all(response["id"].encode() in shown[0] for response in asked.responses)
    assert not any(map(has_trace, pages + shown))


def _fetched(url: str) -> bytes:
    with urllib.request.urlopen(url) as reply:
        return bytes(reply.read())


def test_another_users_file_is_not_found(asked: Asked, stack: Stack) -> None:
    other = Guest(stack.url)
    refusal = asyncio.run(ask(other, REFUSED, file_id=asked.file_id))[-1]
    assert (refusal["type"], refusal["error"]["code"]) == ("error", "file_not_found")
    for method in ("GET", "DELETE"):
        reply = other.ask(method, f"/files/{asked.file_id}/")
        assert (reply.status, reply.json["error"]["code"]) == (404, "file_not_found")
    assert asked.guest.ask("GET", f"/files/{asked.file_id}/").body == asked.large


def test_a_deleted_conversation_takes_its_file_along(stack: Stack) -> None:
    guest, picture = Guest(stack.url), png(10)
    file_id = guest.upload(picture).json["id"]
    response = asyncio.run(ask(guest, DELETED, file_id=file_id))[-1]["response"]
    stack.settled(response["id"])
    conversation = response["conversation"]["id"]
    reply = guest.ask("DELETE", f"/files/{file_id}/")
    assert (reply.status, reply.json["error"]["code"]) == (409, "file_in_use")
    deleted = guest.ask("PATCH", f"/conversations/{conversation}/", b'{"deleted": true}', "application/json")
    assert deleted.status == 200
    assert kept(stack, picture)
    long_ago = (
        ("UPDATE tailrace_conversation SET deleted_at = '2020-01-01' WHERE id = ?", conversation[5:]),
        ("UPDATE tailrace_file SET uploaded_at = '2020-01-01' WHERE id = ?", file_id[5:]),
    )
    with closing(sqlite3.connect(stack.directory / "db.sqlite3")) as database, database:
        for statement, digits in long_ago:
            assert database.execute(statement, [digits]).rowcount == 1
    stack.run("manage.py", "tidy")
    assert not kept(stack, picture)
    assert guest.ask("GET", f"/files/{file_id}/").status == 404


def kept(stack: Stack, content: bytes) -> bool:
    """Whether the storage has a file with this content."""
    paths = (stack.directory / "files").rglob("*")
    return any(path.read_bytes() == content for path in paths if path.is_file())
