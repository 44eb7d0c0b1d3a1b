"""One reading of a stream by an official SDK; `reading.mjs` does the same in Node."""

from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI, OpenAI

from chat.protocol.events import TERMINAL
from tests.sdk.cases import Case, Source, sources

TERMINAL_TYPES = {kind.type for kind in TERMINAL}


@dataclass(frozen=True)
class Job:
    """One stream to read. `helper`: by `.stream()`, which builds the response from the events."""

    source: Source
    helper: bool = False
    starting_after: int | None = None

    def __str__(self) -> str:
        way = "helper" if self.helper else "raw"
        return f"{self.source.name}, {way}, after {self.starting_after}"

    @classmethod
    def all_of(cls, case: Case) -> "list[Job]":
        """Each source by the helper; the log and the ended response also raw, and after some numbers."""
        every = sources(case)
        jobs = [cls(source, helper=True) for source in every] + [cls(source) for source in every[:2]]
        for source in every[:2]:
            last = (source.dropped_at or case.last) - 1
            jobs += [cls(source, starting_after=at) for at in sorted({0, 2, last // 2, last})]
            jobs += [cls(source, True, at) for at in sorted({last // 2, last})]
        return jobs

    def as_object(self) -> dict[str, Any]:
        """For the program in Node."""
        return {"name": self.source.name, "helper": self.helper, "starting_after": self.starting_after}


@dataclass
class Reading:
    """The result of an SDK. `deltas`: joined by item; `snapshots`: a helper's last text of each item."""

    types: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    deltas: dict[str, str] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)
    status: str | None = None
    output: list[tuple[str, str, str]] = field(default_factory=list)  # type, id, content
    error: str | None = None

    def take(self, event: Any) -> None:
        """Note an event of the Python SDK."""
        self.types.append(event.type)
        self.numbers.append(event.sequence_number)
        if event.type == "response.output_item.added":
            self.opened.append(event.item.id)
        elif event.type == "response.output_item.done":
            self.done.append(event.item.id)
        elif event.type.endswith(".delta"):
            self.deltas[event.item_id] = self.deltas.get(event.item_id, "") + event.delta
            if hasattr(event, "snapshot"):
                self.snapshots[event.item_id] = event.snapshot
        elif event.type in TERMINAL_TYPES:
            self.end(event.response)
        elif event.type == "error":
            self.error = event.code

    def end(self, response: Any) -> None:
        """Note the final response."""
        self.status = response.status
        self.output = [(item.type, item.id, content_of(item)) for item in response.output]


def content_of(item: Any) -> str:
    if item.type == "function_call":
        return str(item.arguments)
    if item.type not in ("message", "reasoning"):  # of a tool of the model's server
        return ""
    return "".join(part.refusal if part.type == "refusal" else part.text for part in item.content)


def read(client: OpenAI, job: Job) -> Reading:
    """Read by the synchronous client."""
    reading, name = Reading(), job.source.name
    after: Any = {} if job.starting_after is None else {"starting_after": job.starting_after}
    if not job.helper and after:
        for event in client.responses.retrieve(name, stream=True, **after):
            reading.take(event)
    elif not job.helper:
        for event in client.responses.create(model=name, input="?", stream=True):
            reading.take(event)
    else:
        asked: Any = {"response_id": name, **after} if after else {"model": name, "input": "?"}
        with client.responses.stream(**asked) as stream:
            for helped in stream:
                reading.take(helped)
            if reading.status == "completed":
                reading.end(stream.get_final_response())
    return reading


async def read_async(client: AsyncOpenAI, job: Job) -> Reading:
    """Read by the asynchronous client."""
    reading, name = Reading(), job.source.name
    after: Any = {} if job.starting_after is None else {"starting_after": job.starting_after}
    if not job.helper and after:
        async for event in await client.responses.retrieve(name, stream=True, **after):
            reading.take(event)
    elif not job.helper:
        async for event in await client.responses.create(model=name, input="?", stream=True):
            reading.take(event)
    else:
        asked: Any = {"response_id": name, **after} if after else {"model": name, "input": "?"}
        async with client.responses.stream(**asked) as stream:
            async for helped in stream:
                reading.take(helped)
            if reading.status == "completed":
                reading.end(await stream.get_final_response())
    return reading
