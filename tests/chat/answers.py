"""A worker in small: it begins a log, writes to it and hints, one batch at a time."""

from collections.abc import Sequence

from chat.models import Response
from chat.protocol.events import Event, encode
from chat.protocol.state import Ending, ResponseState, opening
from chat.transport.event_log import Append, Batch, Log
from chat.transport.notifications import notify_readers


class Answer:
    """An answer that the test writes. `hint=False` writes to the log and loses the hint."""

    def __init__(self, log: Log, draft: ResponseState) -> None:
        self.log, self.draft = log, draft
        self.id = str(draft.base["id"])

    @classmethod
    async def begun(cls, log: Log, row: Response) -> "Answer":
        """The log of the row, with its opening and `response.in_progress`."""
        assert await log.create(str(row.id), opening(row.wire()))
        draft = await log.draft(str(row.id))
        assert draft is not None
        answer = cls(log, draft)
        await answer.write(draft.begin(1), hint=False)
        return answer

    async def add(self, text: str, *, hint: bool = True) -> Batch:
        """More text."""
        return await self.write(self.draft.add(text), hint=hint)

    async def close(self, *, hint: bool = True) -> Batch:
        """The end."""
        return await self.write(self.draft.close(Ending("completed", at=5.0)), hint=hint)

    async def write(self, events: Sequence[Event], *, hint: bool = True) -> Batch:
        """Append what the draft gave out, then hint at it."""
        batch = Batch(self.id, events[0].sequence_number, [encode(event) for event in events])
        assert await self.log.append(batch) is Append.APPENDED
        if hint:
            await notify_readers([batch])
        return batch
