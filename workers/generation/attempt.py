"""One attempt at one response: call the model, publish its text, end the response once."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any, TypeVar

from chat.protocol.composer import Ending, opening, start_attempt
from chat.protocol.events import JSON, Interruption, Terminal
from chat.protocol.objects import ResponseObject
from chat.protocol.state import ResponseState, Wait
from chat.responses.ending import conclude
from chat.responses.model_catalog import ModelConfig
from chat.transport import redis_client
from chat.transport.event_log import Append, Batch, Log, LogError
from chat.transport.notifications import notify_readers
from chat.transport.outages import retry
from chat.transport.provider_runs import ProviderRuns
from chat.transport.steps import Steps, SupersededError
from workers.generation.asking import ask, delegate
from workers.generation.background_run import BackgroundRun
from workers.generation.deadlines import AttemptProgress, chars_of, is_answer
from workers.generation.publisher import Publisher, Stream
from workers.generation.retries import RetryPolicy
from workers.programs import running as programs
from workers.programs.ask import Ask, last_text, parameters
from workers.programs.steps import Shield, Step, remembered
from workers.providers.base import Chunk, Pause, ProviderError
from workers.providers.openai_compatible import Provider
from workers.providers.request import Request

OUTAGE_SECS = 60  # of retries at start and end while Redis is unavailable
RETRY_SECS = 0.5

Result = TypeVar("Result")


class StopReason(Enum):
    """Why an attempt stopped early."""

    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"  # this worker stops, another continues
    SUPERSEDED = "superseded"  # ended elsewhere, or a later attempt has it
    UNPUBLISHABLE = "unpublishable"  # its parts make no events


@dataclass(frozen=True, slots=True)
class Assignment:
    """An attempt's input."""

    response: ResponseObject
    attempt: int
    model: ModelConfig
    request: Request
    handed_over: bool = False  # by the previous attempt; else its worker was lost
    omitted_turns: int = 0
    # for a program
    items: list[JSON] = field(default_factory=list)  # the input
    sent: JSON = field(default_factory=dict)  # fields of the request that are no column of the row
    owner_id: int | None = None

    @property
    def id(self) -> str:
        """The response's id."""
        return str(self.response["id"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt's result. `terminal`: its event; None: do not settle the row."""

    terminal: Terminal | None = None
    first_token_at: float | None = None
    stopped: StopReason | None = None

    @property
    def response(self) -> ResponseObject | None:
        """The final object."""
        return self.terminal.response if self.terminal else None


class Attempt:
    """One run of one response, in a task that `stop` cancels."""

    def __init__(
        self, assignment: Assignment, log: Log, provider: Provider, publisher: Publisher, runs: ProviderRuns
    ) -> None:
        self._assignment, self._log = assignment, log
        self._provider, self._publisher = provider, publisher
        self._run = BackgroundRun(assignment.id, assignment.attempt, assignment.model, provider, runs)
        self._stopped: StopReason | None = None
        self._first_token_at: float | None = None
        self._state: ResponseState | None = None
        self._writing = asyncio.create_task(self._write())

    def stop(self, reason: StopReason) -> None:
        """Cancel the writing, unless done. The first reason counts."""
        if not self._writing.done():
            self._stopped = self._stopped or reason
            self._writing.cancel()

    def is_superseded(self, top: int) -> bool:
        """Whether the log, whose highest number is `top`, has an event of another writer."""
        return self._state is not None and top >= self._state.next

    async def run(self) -> Outcome:
        """Write to the end, or accept an end written elsewhere."""
        try:
            written = await self._writing
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            written = None
        terminal = await (self._end(*written) if written else self._end_unfinished())
        outcome = Outcome(terminal, self._first_token_at, self._stopped)
        await self._run.leave(outcome.response)
        return outcome

    async def _write(self) -> tuple[Ending, ResponseState] | None:
        state = await _through_outage("the attempt cannot start", self._start)
        if state is None:
            self._stopped = StopReason.SUPERSEDED
            return None
        self._state = state
        stream = self._publisher.open(
            state,
            on_conflict=partial(self.stop, StopReason.SUPERSEDED),
            on_failure=partial(self.stop, StopReason.UNPUBLISHABLE),
        )
        try:
            ending = await self._generate(stream)
            async with asyncio.timeout(OUTAGE_SECS):
                await self._publisher.drain(stream)
        finally:
            self._publisher.close(stream)
        return ending, state

    async def _start(self) -> ResponseState | None:
        """Append `response.in_progress` after earlier attempts. None: superseded.

        The first attempt expects only the opening: usually one round trip.
        """
        response, attempt = self._assignment.response, self._assignment.attempt
        state: ResponseState | None = None
        if attempt == 1:
            state = ResponseState.fold(opening(response))
        while state is None or not await self._append_start(state):
            state = await self._log.reopened(response, attempt - 1)
            if state is None or state.ended is not None or state.attempt > attempt:
                return None
        return state

    async def _append_start(self, state: ResponseState) -> bool:
        """False: an earlier attempt appended first; its next append is rejected."""
        assignment = self._assignment
        reason: Interruption = "handed_over" if assignment.handed_over else "worker_lost"
        resume = assignment.model.resume == "continue"
        omitted = assignment.omitted_turns
        exact = await self._run.attach(state)
        events = start_attempt(
            state, assignment.attempt, resume=resume, exact=exact, reason=reason, omitted_turns=omitted
        )
        batch = Batch.of(assignment.id, events)
        if await self._log.append(batch) is not Append.APPENDED:
            return False
        state.apply(*events)
        await notify_readers([batch])
        return True

    async def _generate(self, stream: Stream) -> Ending:
        deadlines, begun = self._assignment.model.deadlines, asyncio.get_running_loop().time()
        known = stream.state.parts
        progress = AttemptProgress(
            deadlines, begun, has_answer=any(map(is_answer, known)), chars=chars_of(known)
        )
        retries = RetryPolicy(begun + deadlines.total)
        try:
            async with (
                asyncio.timeout_at(progress.deadline) as patience,
                aclosing(ask(partial(self._chunks, stream.state), retries)) as parts,
            ):
                async for part in parts:
                    if isinstance(part, Pause):
                        self._pause(part, stream, progress)
                    else:
                        self._take(part, stream, progress)
                    if progress.is_full:
                        break
                    patience.reschedule(progress.deadline)
                    if stream.has_pending:
                        await self._publisher.wait_for_flush()
        except TimeoutError:
            progress.fail()
        except ProviderError as error:
            progress.fail(error.code)
        return progress.ending(time.time())

    def _chunks(self, state: ResponseState) -> AsyncGenerator[Chunk, None]:
        """Begin to generate: from a program, or from a model's server."""
        model, request, so_far = self._assignment.model, self._assignment.request, state.text()
        if model.program:
            return programs.stream(model, self._asked(state))
        if so_far and not self._run.attached:  # the model continues its own text
            request = replace(request, messages=[*request.messages, {"role": "assistant", "content": so_far}])
        return self._run.chunks(request, state)

    def _asked(self, state: ResponseState) -> Ask:
        """The argument of a program."""
        assignment = self._assignment
        steps = Steps(redis_client.client(), assignment.id, lambda: state.next)
        response, messages = assignment.response, assignment.request.messages
        return Ask(
            text=last_text(messages),
            messages=messages,
            items=assignment.items,
            instructions=response.get("instructions") or "",
            tools=assignment.sent.get("tools", []),
            parameters=parameters(response, assignment.sent),
            metadata=response.get("metadata") or {},
            owner_id=assignment.owner_id,
            response_id=assignment.id,
            attempt=assignment.attempt,
            so_far=state.text(),
            ask_model=partial(self._ask_model, steps),
            do_step=partial(self._do_step, steps),
        )

    async def _ask_model(
        self, steps: Steps, name: str, messages: list[JSON], parameters: JSON
    ) -> AsyncGenerator[Chunk, None]:
        with suppress(LogError), self._stopping_if_superseded():
            await steps.check()
        async with aclosing(delegate(self._provider, name, messages, parameters)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _do_step(self, steps: Steps, name: str, step: Step, shield: Shield) -> Any:
        with self._stopping_if_superseded():
            return await remembered(steps, name, step, shield)

    @contextmanager
    def _stopping_if_superseded(self) -> Iterator[None]:
        try:
            yield
        except SupersededError:
            self.stop(StopReason.SUPERSEDED)
            raise

    def _take(self, chunk: Chunk, stream: Stream, progress: AttemptProgress) -> None:
        if chunk.parts:
            self._publisher.write(stream, chunk.parts)
            self._first_token_at = self._first_token_at or time.time()
        progress.receive(chunk, asyncio.get_running_loop().time())

    def _pause(self, pause: Pause, stream: Stream, progress: AttemptProgress) -> None:
        """Notify readers of a pause requested by the server; ours are too short to show."""
        if pause.reason is not None:
            until = round(time.time() + pause.seconds, 3)
            self._publisher.write_wait(stream, Wait(pause.reason, pause.seconds, until))
            progress.pause(pause.seconds)

    async def _end_unfinished(self) -> Terminal | None:
        match self._stopped:
            case StopReason.CANCELLED:
                return await self._end(Ending("cancelled", time.time()))
            case StopReason.UNPUBLISHABLE:
                return await self._end(Ending("failed", time.time(), error_code="worker_error"))
            case StopReason.SUPERSEDED:
                with suppress(LogError):  # then the reaper settles the row
                    state = await self._log.state(self._assignment.id)
                    return state.terminal if state else None
        return None

    async def _end(self, ending: Ending, ours: ResponseState | None = None) -> Terminal | None:
        log, assignment = self._log, self._assignment

        async def concluded() -> Terminal | None:
            state = ours or await log.state(assignment.id)
            return await conclude(log, state, ending, assignment.attempt)

        return await _through_outage("the response cannot end", concluded)


async def _through_outage(what: str, work: Callable[[], Awaitable[Result]]) -> Result:
    return await retry(what, work, RETRY_SECS, OUTAGE_SECS, (LogError,))
