"""Programs of the tests, and one that is none."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection

from workers.programs import AnswerError, Ask, Call, Cut, Reasoning, Refusal, Usage
from workers.programs.translation import MAX_VALUE_CHARS

freed: list[bool] = []  # with an item the stubborn program stops, too
waiting: list[bool] = []  # with an item the stubborn program waits
kept: list[AsyncGenerator[Any, None]] = []  # answers that are not garbage
stopped: list[str] = []  # the responses whose programs were stopped, and ended their `finally`


async def everything(ask: Ask) -> AsyncGenerator[Any, None]:
    yield Reasoning("hm")
    yield "a\x00b\ud800"
    yield Refusal("no")
    yield Call("look_up", {"name": "Ada"}, "call_1")
    yield Call("stop")
    yield Usage(1, 2, 3, 4)
    yield Usage(10, 20)
    yield Cut("max_output_tokens")


async def hurried(_: Ask) -> AsyncGenerator[str, None]:
    for number in range(10_000):
        yield f"{number} "


async def immense(_: Ask) -> AsyncGenerator[Any, None]:
    yield "a" * 300_000
    yield Call("look_up", "b" * 300_000, "call_1")


async def large_pieces(_: Ask) -> AsyncGenerator[str, None]:
    for _number in range(1000):
        yield "a" * 4096


async def computing(_: Ask) -> AsyncGenerator[str, None]:
    for _number in range(10):
        time.sleep(0.03)  # noqa: ASYNC251 - it computes
        yield "a"


async def endless(ask: Ask) -> AsyncGenerator[str, None]:
    try:
        while True:
            yield "more "
            await asyncio.sleep(0.01)
    finally:
        await asyncio.sleep(0.01)
        stopped.append(ask.response_id)


async def silent(_: Ask) -> AsyncGenerator[str, None]:
    yield "begun"
    await asyncio.Event().wait()


async def stubborn(_: Ask) -> AsyncGenerator[str, None]:
    yield "begun"
    while not freed:
        with suppress(asyncio.CancelledError):
            waiting.append(True)
            await asyncio.sleep(600)


async def failing(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    message = "the manual is lost"
    raise LookupError(message)


async def leaving(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    raise SystemExit


class Panic(BaseException):
    """As those of libraries in Rust: no Exception."""


async def panicking(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    raise Panic


async def exhausted(ask: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    await ask.once("next", next, iter(()))  # asyncio cannot pass a StopIteration on


async def interrupted(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    raise KeyboardInterrupt


async def closing(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    raise GeneratorExit


async def stopping_iteration(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    raise StopIteration


async def failing_in_the_end(_: Ask) -> AsyncGenerator[str, None]:
    try:
        yield "as far as here"
        await asyncio.Event().wait()
    finally:
        raise OSError


async def cancelling_itself(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    task = asyncio.create_task(asyncio.sleep(600))
    task.cancel()
    await task


async def unreachable(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    code = "upstream_unreachable"
    raise AnswerError(code)


async def confused(_: Ask) -> AsyncGenerator[Any, None]:
    yield "as far as here"
    yield {"text": "a secret of the person"}


async def half_confused(_: Ask) -> AsyncGenerator[Any, None]:
    yield Reasoning(b"a secret of the person")  # type: ignore[arg-type]  # as a program might


async def void(_: Ask) -> AsyncGenerator[Any, None]:
    yield "as far as here"
    yield None


async def raw(_: Ask) -> AsyncGenerator[Any, None]:
    yield "as far as here"
    yield b"bytes"


async def huge(_: Ask) -> AsyncGenerator[str, None]:
    yield "as far as here"
    yield "x" * (MAX_VALUE_CHARS + 1)


async def unstorable(_: Ask) -> AsyncGenerator[Any, None]:
    yield "a\0b\ud800"
    yield Call("f\0", {"a": "\ud800"})


async def pressing(_: Ask) -> AsyncGenerator[str, None]:
    """Never waits by itself."""
    while True:
        yield "x" * 1000


async def users(_: Ask) -> AsyncGenerator[str, None]:
    async for user in User.objects.order_by("pk"):
        yield user.username


async def threads(_: Ask) -> AsyncGenerator[str, None]:
    for _turn in range(2):
        yield f"{await sync_to_async(threading.get_ident)()} "


async def connected(_: Ask) -> AsyncGenerator[str, None]:
    await User.objects.aexists()
    yield str(await sync_to_async(lambda: connection.connection)())


async def asking(ask: Ask) -> AsyncGenerator[Any, None]:
    async for value in ask.model("server", ask.messages):
        yield value


async def asking_in_part(ask: Ask) -> AsyncGenerator[Any, None]:
    kept.append(ask.model("server", ask.messages))
    yield await anext(kept[-1])
    await asyncio.Event().wait()


async def stepping(ask: Ask) -> AsyncGenerator[str, None]:
    yield str(await ask.once("first", _counted, ask.response_id))
    yield str(await ask.once("second", _added, 1, 2))


counted: list[str] = []


async def _counted(response_id: str) -> int:
    counted.append(response_id)
    return len(counted)


def _added(first: int, second: int) -> int:
    return first + second


def no_generator(_: Ask) -> str:
    return "no"


async def no_yield(_: Ask) -> str:
    return "no"
