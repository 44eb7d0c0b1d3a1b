"""A worker in small: it opens a log, appends to it and notifies the readers, one batch at a time."""

from collections.abc import Sequence

from chat.models import Response
from chat.protocol.composer import Ending
from chat.protocol.events import Event
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from chat.transport.event_log import Append, Batch, Log
from chat.transport.notifications import notify_readers
from tests.harness.writer import Writer


class Answer:
    """An answer that the test writes. `notify=False` writes to the log and loses the notification."""

    def __init__(self, log: Log, state: ResponseState) -> None:
        self.log, self.writer, self.id = log, Writer(state), state.id

    @property
    def state(self) -> ResponseState:
        return self.writer.state

    @classmethod
    async def of(cls, log: Log, response_id: str) -> "Answer":
        """The answer whose log is there."""
        state = await log.state(response_id)
        assert state is not None
        return cls(log, state)

    @classmethod
    async def begun(cls, log: Log, row: Response) -> "Answer":
        """The log of the row, with its opening and `response.in_progress`."""
        assert await log.create(response_object(row))
        answer = await cls.of(log, row.wire_id)
        await answer.start(1, notify=False)
        return answer

    async def start(self, attempt: int = 1, *, notify: bool = True) -> Batch:
        """An attempt starts."""
        return await self.write(self.writer.start(attempt), notify=notify)

    async def add(self, text: str, *, notify: bool = True) -> Batch:
        """More text."""
        return await self.write(self.writer.add(text), notify=notify)

    async def close(self, *, notify: bool = True) -> Batch:
        """The end."""
        return await self.write(self.writer.finish(Ending("completed", at=5.0)), notify=notify)

    async def write(self, events: Sequence[Event], *, notify: bool = True) -> Batch:
        """Append what the writer composed, then notify the readers."""
        batch = Batch.of(self.id, events)
        assert await self.log.append(batch) is Append.APPENDED
        if notify:
            await notify_readers([batch])
        return batch

    async def restore(self) -> None:
        """Open the log again that Redis lost, as a worker does; its notification is lost."""
        assert await self.log.restore(Batch.restoring(self.state), self.state.attempt) is Append.APPENDED
