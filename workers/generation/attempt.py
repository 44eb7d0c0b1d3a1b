"""One attempt at one response: ask the model, publish what it says, and bring it to its one end.

arrow in: `tasks`
arrow out: `providers` (the text), `publisher` (the readers), `chat/responses/ending.py` (the end)
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace

from chat.protocol.events import JSON, Interruption, encode
from chat.protocol.state import Ending, ResponseState, Wait, opening
from chat.responses.ending import conclude
from chat.responses.model_catalog import DEMO_URL, ModelConfig
from chat.transport.event_log import Append, Batch, Log, LogError
from chat.transport.notifications import notify_readers
from workers.generation.deadlines import AttemptProgress
from workers.generation.publisher import Publisher, Stream
from workers.generation.retries import RetryPolicy
from workers.providers import counting
from workers.providers.base import Chunk, Pause, ProviderError
from workers.providers.openai_compatible import Provider, Request

logger = logging.getLogger(__name__)

AWAY_SECS = 60  # how long we try to write the begin or the end while Redis is away
AGAIN_SECS = 0.5  # between those tries


@dataclass(frozen=True, slots=True)
class Assignment:
    """What it takes to write a response: `response` is its response object, as the row had it."""

    response: JSON
    attempt: int
    model: ModelConfig
    request: Request
    handed_over: bool = False  # by the attempt before; otherwise its worker was lost

    @property
    def id(self) -> str:
        """The response's id."""
        return str(self.response["id"])


@dataclass(slots=True)
class Outcome:
    """How an attempt went. `response` is the final response object; None if it is not ours any more."""

    response: JSON | None = None
    first_token_at: float | None = None
    handed_over: bool = False  # the worker stops: another one shall go on
    superseded: bool = False  # the log has moved on without us


class SupersededError(Exception):
    """The log has moved on without us: the response has ended, or a later attempt has it."""


@dataclass(slots=True)
class Attempts:
    """The attempts that run in this worker process, each a task of its one event loop."""

    log: Log
    provider: Provider
    publisher: Publisher
    _running: dict[str, asyncio.Task[tuple[ResponseState, Ending]]] = field(default_factory=dict)
    _leaving: bool = False

    @property
    def running(self) -> list[str]:
        """The ids of the responses that are being written."""
        return list(self._running)

    def cancel(self, response_id: str) -> None:
        """Stop writing a response, if it is written here: the connection to the model is closed."""
        if task := self._running.get(response_id):
            task.cancel()

    def hand_over(self) -> None:
        """Stop writing everything, so that other workers go on; from now on begin nothing."""
        self._leaving = True
        for task in self._running.values():
            task.cancel()
        if self._running:  # on Python 3.11 a Redis command that ends just then swallows the cancellation
            asyncio.get_running_loop().call_later(AGAIN_SECS, self.hand_over)

    async def write(self, job: Assignment) -> Outcome:
        """Write the response to its end. What ended it elsewhere (Stop, a later attempt) is respected."""
        report = Outcome(handed_over=self._leaving)
        if report.handed_over:
            return report
        task = asyncio.create_task(self._write(job, report))
        self._running[job.id] = task
        draft: ResponseState | None
        try:
            draft, ending = await task
        except SupersededError:
            return await self._superseded(job, report)
        except asyncio.CancelledError:
            if report.superseded:
                return await self._superseded(job, report)
            if self._leaving:
                report.handed_over = True
                return report
            draft, ending = None, Ending("cancelled", time.time())
        finally:
            if self._running.get(job.id) is task:  # a later attempt may run in this very process
                del self._running[job.id]  # from here on nothing interrupts
        report.response = await self._end(job, draft, ending)
        return report

    async def _write(self, job: Assignment, report: Outcome) -> tuple[ResponseState, Ending]:
        draft = await self._begin(job)
        task = asyncio.current_task()
        assert task is not None
        stream = self.publisher.open(draft, fenced=lambda: _fence(task, report))
        try:
            ending = await self._answer(job, stream, report)
            async with asyncio.timeout(AWAY_SECS):
                await self.publisher.flush(stream)
        finally:
            self.publisher.close(stream)
        return draft, ending

    async def _superseded(self, job: Assignment, report: Outcome) -> Outcome:
        """It is not ours any more: report how it ended elsewhere, if it has."""
        with suppress(LogError):  # then the reaper settles the row
            draft = await self.log.draft(job.id)
            report.response = draft.ended if draft else None
        return report

    async def _begin(self, job: Assignment) -> ResponseState:
        """Say `response.in_progress` in the log, when Redis is there. Raises SupersededError."""
        give_up_at = time.monotonic() + AWAY_SECS
        while True:
            try:
                if draft := await self._say_begin(job):
                    return draft
            except LogError as error:
                if time.monotonic() > give_up_at:
                    raise
                logger.warning("the answer cannot begin yet: %s", type(error).__name__)
                await asyncio.sleep(AGAIN_SECS)

    async def _say_begin(self, job: Assignment) -> ResponseState | None:
        """None: an attempt before ours still writes, and was quicker; it cannot once it is refused."""
        if job.attempt == 1 and (draft := await self._begin_at_once(job)):
            return draft
        await self.log.create(
            job.id, opening(job.response, job.attempt - 1)
        )  # unless Redis lost it, it is there
        draft = await self.log.draft(job.id)
        if draft is None or draft.ended is not None or draft.attempt > job.attempt:
            raise SupersededError
        first, resume = draft.next, job.model.resume == "continue"
        reason: Interruption = "handed_over" if job.handed_over else "worker_lost"
        begun = draft.begin(job.attempt, resume=resume, reason=reason)
        batch = Batch(job.id, first, [encode(event) for event in begun])
        if await self.log.append(batch) is not Append.APPENDED and not await self.log.holds(batch):
            return None
        await notify_readers([batch])
        return draft

    async def _begin_at_once(self, job: Assignment) -> ResponseState | None:
        """The usual case, in one round trip: the log has its opening and nothing else. None: it has not."""
        draft = ResponseState.of(opening(job.response))
        batch = Batch(job.id, draft.next, [encode(event) for event in draft.begin(job.attempt)])
        if await self.log.append(batch) is not Append.APPENDED and not await self._is_last(batch):
            return None
        await notify_readers([batch])
        return draft

    async def _is_last(self, batch: Batch) -> bool:
        """Whether the log ends with it: it got through, and its reply was lost."""
        last = await self.log.last(batch.response_id)
        return last is not None and last.event == batch.events[-1]

    async def _answer(self, job: Assignment, stream: Stream, report: Outcome) -> Ending:
        """Pass on what the model says until it has finished, broken off or taken too long."""
        begun = asyncio.get_running_loop().time()
        reading, tries = (
            AttemptProgress(job.model.deadlines, begun),
            RetryPolicy(begun + job.model.deadlines.total),
        )
        try:
            async with (
                asyncio.timeout_at(reading.deadline) as patience,
                aclosing(self._ask(job, stream.draft, tries)) as parts,
            ):
                async for part in parts:
                    if isinstance(part, Pause):
                        self._pause(part, stream, reading)
                    else:
                        self._take(part, stream, reading, report)
                    patience.reschedule(reading.deadline)
                    if stream.is_behind:
                        await self.publisher.pace()
        except TimeoutError:
            reading.give_up()
        except ProviderError as error:
            reading.give_up(error.code)
        return reading.ending(time.time())

    def _take(self, chunk: Chunk, stream: Stream, reading: AttemptProgress, report: Outcome) -> None:
        if chunk.text or chunk.reasoning:
            self.publisher.write(stream, chunk.text, chunk.reasoning)
            report.first_token_at = report.first_token_at or time.time()
        reading.take(chunk, asyncio.get_running_loop().time())

    def _pause(self, pause: Pause, stream: Stream, reading: AttemptProgress) -> None:
        """Let the readers know of a pause that the server asked for; our own are too short to tell."""
        if pause.reason is not None:
            until = round(time.time() + pause.seconds, 3)
            self.publisher.wait(stream, Wait(pause.reason, pause.seconds, until))
            reading.pause(pause.seconds)

    async def _ask(
        self, job: Assignment, draft: ResponseState, tries: RetryPolicy
    ) -> AsyncGenerator[Chunk | Pause, None]:
        """Ask the model; ask again after a pause if that may help and nothing was said yet."""
        said = False
        while True:
            try:
                async with aclosing(self._source(job, draft)) as chunks:
                    async for chunk in chunks:
                        said = said or bool(chunk.text or chunk.reasoning or chunk.finish)
                        yield chunk
            except ProviderError as error:
                pause = None if said else tries.after(error, asyncio.get_running_loop().time())
                if pause is None:
                    raise
            else:
                return
            yield pause
            await asyncio.sleep(pause.seconds)

    def _source(self, job: Assignment, draft: ResponseState) -> AsyncGenerator[Chunk, None]:
        if job.model.base_url == DEMO_URL:
            return counting.count()
        request = job.request
        if so_far := draft.text():  # an attempt that goes on: the model takes its own words up
            request = replace(request, messages=[*request.messages, {"role": "assistant", "content": so_far}])
        return self.provider.stream(job.model, request)

    async def _end(self, job: Assignment, draft: ResponseState | None, ending: Ending) -> JSON | None:
        """Bring it to its end; without a draft of ours, from what the log says."""
        give_up_at = time.monotonic() + AWAY_SECS
        at = draft
        while True:
            try:
                at = at or _further(draft, await self.log.draft(job.id))
                if at is None or (at.attempt > job.attempt and at.ended is None):
                    return None
                return await conclude(self.log, at, ending)
            except LogError as error:
                if time.monotonic() > give_up_at:
                    raise
                logger.warning("the end cannot be written yet: %s", type(error).__name__)
                at = None  # whether it was written is not known: the log will tell
                await asyncio.sleep(AGAIN_SECS)


def _further(ours: ResponseState | None, logged: ResponseState | None) -> ResponseState | None:
    """What the log says, unless Redis lost it or came back without its latest events."""
    if ours is None or logged is None:
        return ours or logged
    is_further = logged.next >= ours.next or logged.attempt > ours.attempt or logged.ended is not None
    return logged if is_further else ours


def _fence(task: asyncio.Task[tuple[ResponseState, Ending]], report: Outcome) -> None:
    """Another writer has it: stop, without an end of ours."""
    report.superseded = True
    task.cancel()
