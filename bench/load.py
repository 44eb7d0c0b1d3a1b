"""The load: opens sockets, asks, and checks that every token arrives once and in order.

A separate process. It prints the number of open sockets at intervals, then `ready`. After a line on standard
input it asks on each socket, and prints its figures as a line of JSON. It fails at a wrong stream: the run is
void.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.dialects import DIALECTS, Dialect, RefusedError
from bench.readers import Reader, open_reader
from bench.streams import Stream, steady, summary
from bench.tokens import TokenReader, WrongStreamError

HOST = "127.0.0.1"
STAGGER_SECS = 0.037  # streams starting together share wake-ups, which flatters all designs
OPENING_AT_ONCE = 20  # sockets
PATIENCE_SECS = 180  # beyond an answer's own time
PRINT_EVERY = 100  # sockets


@dataclass(frozen=True, slots=True)
class Question:
    """The question on each socket, asked `answers` times in turn."""

    prompt: str
    tokens: int
    rate: float
    answers: int = 1
    pause_secs: float = 0.0

    @property
    def secs(self) -> float:
        """Seconds that a socket's answers take without delay."""
        return self.answers * (self.tokens / self.rate + self.pause_secs)


@dataclass(slots=True)
class Load:
    """All readers of one run. `keys`: of as many programs; none for visitors."""

    dialect: Dialect
    ports: Sequence[int]
    keys: Sequence[str] = ()
    readers: list[Reader] = field(default_factory=list)

    async def open(self, count: int) -> None:
        """Open the readers, spread over the web processes."""
        gate = asyncio.Semaphore(OPENING_AT_ONCE)
        await asyncio.gather(*(self._open_one(number, gate) for number in range(count)))

    async def _open_one(self, number: int, gate: asyncio.Semaphore) -> None:
        base = f"http://{HOST}:{self.ports[number % len(self.ports)]}"
        async with gate:
            key = self.keys[number] if self.keys else ""
            self.readers.append(await open_reader(self.dialect, base, key))
        if len(self.readers) % PRINT_EVERY == 0:
            print(f"{len(self.readers)} sockets are open", flush=True)

    async def ask_all(self, question: Question) -> list[Stream]:
        """Ask by every reader, and read all answers."""
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(len(self.readers) * STAGGER_SECS + question.secs + PATIENCE_SECS):
            asking = (
                self._ask(reader, question, begun + number * STAGGER_SECS)
                for number, reader in enumerate(self.readers)
            )
            return [stream for streams in await asyncio.gather(*asking) for stream in streams]

    async def _ask(self, reader: Reader, question: Question, at: float) -> list[Stream]:
        """Ask as often as the question wants, with its pause after each answer."""
        await asyncio.sleep(at - asyncio.get_running_loop().time())
        streams = [await self._read(reader, question)]
        while len(streams) < question.answers:
            await asyncio.sleep(question.pause_secs)
            streams.append(await self._read(reader, question))
        return streams

    async def _read(self, reader: Reader, question: Question) -> Stream:
        """Ask once and read the answer."""
        stream = Stream(time.monotonic(), TokenReader(question.tokens))
        async for now, (text, _) in reader.ask(question.prompt):
            if text:
                stream.frames += 1
                stream.reader.feed(text, now)
                if stream.first_token_secs is None:
                    stream.first_token_secs = now - stream.asked_at
        stream.reader.finish()
        return stream

    async def close(self) -> None:
        """Close the readers."""
        for reader in self.readers:
            await reader.close()


async def read_line() -> None:
    """Wait for a line or the end of standard input."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def run(options: argparse.Namespace) -> None:
    """Open the sockets, wait for a line, ask, print the figures."""
    keys = options.keys.read_text().split() if options.keys else []
    load = Load(DIALECTS[options.dialect], options.port, keys)
    try:
        await load.open(options.sockets)
        print("ready", flush=True)
        await read_line()
        if options.prompt:
            print(json.dumps(await ask(load, options)), flush=True)
            await read_line()
    finally:
        await load.close()


async def ask(load: Load, options: argparse.Namespace) -> dict[str, Any]:
    """Ask, and return the figures."""
    question = Question(options.prompt, options.tokens, options.rate, options.answers, options.pause)
    begun, cpu = time.monotonic(), time.process_time()
    streams = await load.ask_all(question)
    seen: dict[str, Any] = {"secs": time.monotonic() - begun, "cpu_secs": time.process_time() - cpu}
    if options.steady:
        seen["steady"] = steady(streams, begun + len(load.readers) * STAGGER_SECS, options.steady)
    return seen | summary(streams)


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", choices=DIALECTS, required=True)
    parser.add_argument("--port", type=int, nargs="+", required=True, help="of the web processes")
    parser.add_argument("--sockets", type=int, required=True)
    parser.add_argument("--prompt", help="without it the sockets stay idle")
    parser.add_argument("--tokens", type=int, default=0, help="in each answer")
    parser.add_argument("--rate", type=float, default=1, help="tokens per second of each answer")
    parser.add_argument("--keys", type=Path, help="a file with the API keys of programs, one for each socket")
    parser.add_argument("--answers", type=int, default=1, help="on each socket, one after the other")
    parser.add_argument("--pause", type=float, default=0, help="seconds between two answers of a socket")
    parser.add_argument("--steady", type=float, help="look at so many seconds after the last start, too")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        asyncio.run(run(parser.parse_args()))
    except (WrongStreamError, RefusedError, TimeoutError, aiohttp.ClientError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
