"""The socket of a link's readers: it follows shown responses until the link ends, and does nothing else."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from chat.accounts import session_watch
from chat.conf import conf
from chat.conversations.announcements import announce_conversation
from chat.models import Conversation, Response, Status
from chat.protocol.errors import NOT_SHARED, TOO_MANY
from chat.share_models import Share, new_token
from chat.sharing.links import revoke
from chat.sockets import readers
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.notifications import notify_readers_to_recheck, readers_group
from tests.chat.answers import Answer
from tests.chat.communicator import FRAME_SECS, Socket, connected
from tests.chat.rows import on_rows, stored
from tests.chat.sharing_links import shared
from tests.harness.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "canary"


@pytest.fixture
async def row(owner: User, log: Log) -> Response:
    """A running response."""
    private = {"instructions": SECRET, "metadata": {"k": SECRET}}
    return await on_rows(stored, owner, status=Status.IN_PROGRESS, **private)


@pytest.fixture(autouse=True)
async def answer(row: Response, log: Log) -> Answer:
    """Its answer, begun."""
    return await Answer.begun(log, row)


@pytest.fixture
async def share(owner: User, row: Response) -> Share:
    return await on_rows(shared, owner, row)


@asynccontextmanager
async def reading(share: Share) -> AsyncIterator[Socket]:
    """A reader without an account, in the group of the link's readers."""
    async with connected(Socket(f"/ws/shared/{share.token}/")) as socket:
        await joined(share)
        yield socket


async def joined(share: Share) -> None:
    async def subscribers() -> int:
        group = f"{conf.PREFIX}__group__{readers_group(share.conversation_id)}"
        ((_, count),) = await redis_client.client().pubsub_numsub(group)
        return int(count)

    await await_until(subscribers, 5, "the group of the readers is subscribed")


async def assert_ended(socket: Socket) -> None:
    frame = await socket.frame()
    while frame["type"] != "error":
        frame = await socket.frame()
    assert (frame["status"], frame["error"]["code"]) == (404, "share_not_found")
    assert await socket.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": NOT_SHARED}


async def follow(socket: Socket, row: Response) -> list[dict[str, Any]]:
    await socket.send_command("tailrace:subscribe", response_id=row.wire_id)
    return await socket.until("tailrace:up_to_date")


async def test_a_reader_follows_a_running_answer_to_its_end(
    share: Share, row: Response, answer: Answer
) -> None:
    async with reading(share) as socket:
        frames = await follow(socket, row)
        await answer.add("Two ")
        await answer.add("metres.", notify=False)
        await answer.close()
        frames += await socket.until("response.completed")
        assert SECRET not in json.dumps(frames)
        assert "".join(frame.get("delta", "") for frame in frames) == "Two metres."
        numbers = [frame["sequence_number"] for frame in frames if "sequence_number" in frame]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert frames[-1]["response"]["status"] == "completed"


async def test_a_reader_who_returns_continues_after_the_last_event(
    share: Share, row: Response, answer: Answer
) -> None:
    await answer.add("Two ")
    async with reading(share) as socket:
        (snapshot, *_) = await follow(socket, row)
    await answer.add("metres.")
    async with reading(share) as socket:
        last = snapshot["sequence_number"]
        await socket.send_command("tailrace:subscribe", response_id=row.wire_id, starting_after=last)
        frames = await socket.until("tailrace:up_to_date")
        assert "".join(frame.get("delta", "") for frame in frames) == "metres."
        assert frames[0]["sequence_number"] == last + 1


@pytest.mark.parametrize("command", ["response.create", "tailrace:cancel"])
async def test_other_commands_are_refused(share: Share, row: Response, command: str) -> None:
    fields = {"input": "Hello"} if command == "response.create" else {"response_id": row.wire_id}
    async with reading(share) as socket:
        await socket.send_command(command, **fields)
        assert await socket.refusal() == (400, "unknown_type", "type")
    assert await on_rows(Response.objects.count) == 1


async def test_responses_of_other_conversations_and_branches_do_not_exist(
    owner: User, share: Share, row: Response
) -> None:
    other = await on_rows(stored, owner)
    newer = await on_rows(stored, owner, conversation=row.conversation)
    async with reading(share) as socket:
        for hidden in (other, row):
            await socket.send_command("tailrace:subscribe", response_id=hidden.wire_id)
            assert await socket.refusal() == (404, "response_not_found", "response_id")
        await socket.send_command("tailrace:subscribe", response_id=newer.wire_id)
        assert (await socket.frame())["type"] == "tailrace:snapshot"


@pytest.mark.usefixtures("log")
async def test_an_unknown_link_is_closed() -> None:
    async with connected(Socket(f"/ws/shared/{new_token()}/")) as socket:
        await assert_ended(socket)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("token", ["short", "x" * 33, "x" * 31 + "."])
async def test_what_is_no_token_is_refused_without_a_query(token: str) -> None:
    accepted, _ = await Socket(f"/ws/shared/{token}/").connect(FRAME_SECS)
    assert not accepted


async def test_a_revocation_closes_readers_at_once(owner: User, share: Share, row: Response) -> None:
    async with reading(share) as socket:
        await follow(socket, row)
        await on_rows(revoke, owner.pk, row.conversation_id)
        await notify_readers_to_recheck(row.conversation_id)
        await assert_ended(socket)


async def test_the_deletion_of_the_conversation_closes_readers_at_once(share: Share, row: Response) -> None:
    async with reading(share) as socket:
        await on_rows(Conversation.objects.update, deleted_at=timezone.now())
        await announce_conversation(row.conversation_id)
        await assert_ended(socket)


def delete_owner() -> None:
    User.objects.all().delete()


def deactivate_owner() -> None:
    User.objects.update(is_active=False)


def revoke_in_sql() -> None:
    Share.objects.update(revoked_at=timezone.now())


def delete_link() -> None:
    Share.objects.all().delete()


@pytest.mark.parametrize("change", [delete_owner, deactivate_owner, revoke_in_sql, delete_link])
async def test_without_a_notification_the_check_closes_readers(
    share: Share, row: Response, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_watch, "CHECK_SECS", 0.05)
    async with reading(share) as socket:
        await follow(socket, row)
        await on_rows(change)
        await assert_ended(socket)


def test_the_check_is_within_five_seconds() -> None:
    assert session_watch.CHECK_SECS < 5


async def test_a_reader_hears_of_a_change(share: Share, row: Response) -> None:
    async with reading(share) as socket:
        await announce_conversation(row.conversation_id)
        assert await socket.frame() == {"type": "tailrace:shared_changed"}


async def test_sockets_of_a_link_and_of_a_network_are_bounded(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_OF_LINK", "MAX_OF_NETWORK"):
        with monkeypatch.context() as patch:
            patch.setattr(readers, name, 1)
            async with reading(share):
                await assert_too_many(share)
            async with reading(share):  # the first one was counted out
                pass
    assert not readers._open


async def assert_too_many(share: Share) -> None:
    async with connected(Socket(f"/ws/shared/{share.token}/")) as second:
        assert await second.refusal() == (429, "too_many_sockets", None)
        assert await second.receive_output(FRAME_SECS) == {"type": "websocket.close", "code": TOO_MANY}


async def test_without_sharing_a_link_is_closed(share: Share, settings: Settings) -> None:
    settings.TAILRACE_SHARING = False
    async with connected(Socket(f"/ws/shared/{share.token}/")) as socket:
        await assert_ended(socket)
