"""A guest with many sockets and many commands is refused, and another guest is served."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import ConnectionClosed

from chat.protocol.commands import MAX_INPUT_CHARS
from chat.protocol.errors import TOO_MANY
from tests.harness.socket_client import Visitor, cookie, visiting
from tests.harness.stack import Stack
from tests.security.conftest import SOCKETS

EXTRA = 30
on_one_database = pytest.mark.parametrize("bounded", ["sqlite"], indirect=True)  # sockets ask it little


async def close_code(visitor: Visitor) -> int | None:
    """Read to the end."""
    try:
        while True:
            await visitor.next()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


@on_one_database
async def test_of_fifty_sockets_twenty_stay_and_another_guest_is_answered(bounded: Stack) -> None:
    session = await cookie(bounded.url)
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(visiting(bounded.url, session)) for _ in range(SOCKETS + EXTRA)
        ]
        errors = [(await visitor.next())["error"]["code"] for visitor in opened[SOCKETS:]]
        assert errors == ["too_many_sockets"] * EXTRA
        assert [await close_code(visitor) for visitor in opened[SOCKETS:]] == [TOO_MANY] * EXTRA
        for visitor in opened[:SOCKETS]:
            await visitor.send("{}")
            assert (await visitor.next())["error"]["code"] == "missing_field"
        async with visiting(bounded.url) as other:
            assert (await other.answer("[words-3]"))[-1]["type"] == "response.completed"
    async with visiting(bounded.url, session) as again:
        await again.send("{}")
        assert (await again.next())["error"]["code"] == "missing_field"


@on_one_database
async def test_a_socket_that_floods_is_closed(bounded: Stack) -> None:
    async with visiting(bounded.url) as visitor:
        try:
            for _ in range(2_000):
                await visitor.send("{}")
        except ConnectionClosed:
            pass
        assert await close_code(visitor) == TOO_MANY
    async with visiting(bounded.url) as other:
        assert (await other.answer("[words-3]"))[-1]["type"] == "response.completed"


@on_one_database
async def test_a_socket_that_floods_with_long_frames_is_not_read(bounded: Stack) -> None:
    """Its frames wait in its own buffers, and reach the server one at a time."""
    frame = '{"type": "response.create", "input": "a"' + ', "k": 1' * 50_000 + "}"

    async def flood(visitor: Visitor) -> None:
        while True:
            await visitor.send(frame)

    async with visiting(bounded.url) as visitor:
        flooding = asyncio.create_task(flood(visitor))
        codes: list[str] = []
        while codes[-1:] != ["slow_down"]:
            codes.append((await visitor.next())["error"]["code"])
        assert codes == ["unknown_field"] * 2 + ["slow_down"]
        async with visiting(bounded.url) as other:
            assert (await other.answer("[words-3]"))[-1]["type"] == "response.completed"
        assert not flooding.done()
        flooding.cancel()
        visitor.socket.transport.abort()  # the server would not read its end for 10 s


@on_one_database
async def test_as_many_objects_as_the_longest_question_has_bytes_are_not_parsed(bounded: Stack) -> None:
    objects = '{"type": "response.create", "input": [' + ",".join(['{"a":{}}'] * 220_000) + "]}"
    async with visiting(bounded.url) as visitor:
        await visitor.send(objects)
        assert (await visitor.next())["error"]["code"] == "frame_too_large"
        await visitor.send(objects)
        refused = await visitor.next()
        assert refused["error"]["code"] == "slow_down"  # one costs a whole burst
        assert refused["retry_after"] > 10
        async with visiting(bounded.url) as other:
            longest = "[words-3] " + "w" * (MAX_INPUT_CHARS - 10)
            assert (await other.answer(longest))[-1]["type"] == "response.completed"
        visitor.socket.transport.abort()  # the server would not read its end for 10 s
