"""Run a program: its values become the chunks of an answer.

It runs in its own task, so that it need not wait for each flush, and with its own thread for Django's ORM.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

from asgiref.sync import ThreadSensitiveContext

from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig
from chat.responses.model_programs import Program, UnusableProgramError, load
from chat.transport.steps import SupersededError
from workers.programs.ask import Ask
from workers.programs.attempt_thread import AttemptThread
from workers.programs.buffer import Buffer
from workers.programs.steps import Unfinished
from workers.programs.tracebacks import described
from workers.programs.translation import NotAValueError
from workers.programs.values import AnswerError
from workers.providers.base import Chunk, ProviderError

logger = logging.getLogger(__name__)

STOP_SECS = 5  # of a cancelled program's `finally`; then it is interrupted, and its answer ends

_loaded: dict[str, Program] = {}
_running: set[asyncio.Task[None]] = set()  # the loop itself holds no strong reference


async def stream(model: ModelConfig, ask: Ask) -> AsyncGenerator[Chunk, None]:
    """Yield a program's chunks. Raises ProviderError.

    Leaving the iteration, also by cancellation, cancels the program at its `await`.
    """
    buffer = Buffer()
    task = asyncio.create_task(_run(model, ask, buffer))
    _running.add(task)
    task.add_done_callback(_running.discard)
    try:
        while (chunk := await buffer.take()) is not None:
            yield chunk
        yield Chunk(finish=buffer.translator.finish)
    finally:
        await _stop(task, model, ask)


async def _stop(task: asyncio.Task[None], model: ModelConfig, ask: Ask) -> None:
    """Cancel the program once, since another time would interrupt its `finally`; again after STOP_SECS."""
    task.cancel()
    was_cancelled = await _wait(task)
    if not task.done():
        logger.error(
            "response %s: the program %s did not stop within %d s", ask.response_id, model.program, STOP_SECS
        )
        task.cancel()
    if was_cancelled:
        raise asyncio.CancelledError


async def _wait(task: asyncio.Task[None]) -> bool:
    """Wait STOP_SECS at most, however often a Stop cancels us. True: one did."""
    waiting = asyncio.ensure_future(asyncio.wait([task], timeout=STOP_SECS))
    was_cancelled = False
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            was_cancelled = True
    return was_cancelled


async def _run(model: ModelConfig, ask: Ask, buffer: Buffer) -> None:
    """Run the program into the buffer; every end of it is an end of the buffer."""
    thread = AttemptThread()
    try:
        async with ThreadSensitiveContext(executor=thread), _ending_steps(ask) as asked:
            program = await _program(model)
            async with _closing_models(asked) as tracked, aclosing(program(tracked)) as values:
                async for value in values:
                    await buffer.put(value)
        buffer.end()
    except asyncio.CancelledError:
        buffer.end(_failed("worker_error"))  # read only if the program has cancelled itself
        raise
    except BaseException as error:  # noqa: BLE001 - the operator's code may raise anything
        buffer.end(_judged(error, model, ask))
    finally:
        thread.close()


async def _program(model: ModelConfig) -> Program:
    """Load it in a thread, once: an import of a large library would hold up all answers."""
    if model.program not in _loaded:
        _loaded[model.program] = await asyncio.to_thread(load, model)
    return _loaded[model.program]


@asynccontextmanager
async def _closing_models(ask: Ask) -> AsyncIterator[Ask]:
    """Close every answer that the program has asked other models for and not read to its end."""
    opened: list[AsyncGenerator[Chunk, None]] = []

    def ask_model(name: str, messages: list[JSON], parameters: JSON) -> AsyncGenerator[Chunk, None]:
        assert ask.ask_model is not None
        opened.append(ask.ask_model(name, messages, parameters))
        return opened[-1]

    try:
        yield replace(ask, ask_model=ask_model) if ask.ask_model else ask
    finally:
        for chunks in opened:
            with suppress(RuntimeError):  # a task that the program has left behind still reads it
                await chunks.aclose()


@asynccontextmanager
async def _ending_steps(ask: Ask) -> AsyncIterator[Ask]:
    """End the steps that the program has begun and left: another attempt would do them again."""
    unfinished = Unfinished()
    try:
        yield replace(ask, shield=unfinished.shield)
    finally:
        await unfinished.wait()


def _judged(error: BaseException, model: ModelConfig, ask: Ask) -> ProviderError:
    """The failure of the answer, after one entry in the log."""
    match error:
        case AnswerError(code=code):
            return _failed(code)
        case UnusableProgramError():
            logger.error("response %s: %s. %s", ask.response_id, error, error.remedy)
            return _failed("program_unusable")
        case SupersededError():
            pass  # its attempt stops
        case NotAValueError():
            logger.error("response %s: the program %s yielded %s", ask.response_id, model.program, error)
        case _:
            what = "response %s: the program %s failed\n%s"
            logger.error(what, ask.response_id, model.program, described(error))
    return _failed("worker_error")


def _failed(code: str) -> ProviderError:
    return ProviderError(code, permanent=True)  # a second run would repeat its effects
