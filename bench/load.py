"""The load: opens sockets, asks, and checks that every token arrives once and in order.

A separate process. It prints the number of open sockets at intervals, then `ready`. After a line on standard
input it asks on each socket, and prints its figures as a line of JSON. It fails at a wrong stream: the run is
void.
"""

import argparse
import asyncio
import json
import re
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.dialects import DIALECTS, Dialect, RefusedError
from bench.streams import Stream, steady, summary
from bench.tokens import TokenReader, WrongStreamError

HOST = "127.0.0.1"
TOKEN = re.compile(r'name="csrf-token" content="(\w+)"')
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
    """All sockets of one run."""

    dialect: Dialect
    ports: Sequence[int]
    http: list[aiohttp.ClientSession] = field(default_factory=list)
    sockets: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)

    async def open(self, count: int) -> None:
        """Open the sockets, each a separate visitor, spread over the web processes."""
        gate = asyncio.Semaphore(OPENING_AT_ONCE)
        await asyncio.gather(*(self._open_one(number, gate) for number in range(count)))

    async def _open_one(self, number: int, gate: asyncio.Semaphore) -> None:
        base = f"http://{HOST}:{self.ports[number % len(self.ports)]}"
        async with gate:
            session = aiohttp.ClientSession(
                base, cookie_jar=aiohttp.CookieJar(unsafe=True)
            )  # accepts cookies of an IP address
            self.http.append(session)
            if self.dialect.needs_session:
                async with session.get("/") as page:
                    page.raise_for_status()
                    token = TOKEN.findall(await page.text())[0]
                async with session.post("/guest/", headers={"X-CSRFToken": token}) as guest:
                    guest.raise_for_status()
            self.sockets.append(await session.ws_connect(self.dialect.path, max_msg_size=0))
        if len(self.sockets) % PRINT_EVERY == 0:
            print(f"{len(self.sockets)} sockets are open", flush=True)

    async def ask_all(self, question: Question) -> list[Stream]:
        """Ask on every socket, and read all answers."""
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(len(self.sockets) * STAGGER_SECS + question.secs + PATIENCE_SECS):
            asking = (
                self._ask(socket, question, begun + number * STAGGER_SECS)
                for number, socket in enumerate(self.sockets)
            )
            return [stream for streams in await asyncio.gather(*asking) for stream in streams]

    async def _ask(
        self, socket: aiohttp.ClientWebSocketResponse, question: Question, at: float
    ) -> list[Stream]:
        """Ask as often as the question wants, with its pause after each answer."""
        await asyncio.sleep(at - asyncio.get_running_loop().time())
        streams = [await self._read(socket, question)]
        while len(streams) < question.answers:
            await asyncio.sleep(question.pause_secs)
            streams.append(await self._read(socket, question))
        return streams

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, question: Question) -> Stream:
        """Ask once and read the answer."""
        stream = Stream(time.monotonic(), TokenReader(question.tokens))
        await socket.send_str(self.dialect.ask(question.prompt))
        async for frame in socket:
            now = time.monotonic()
            text, over = self.dialect.parse(frame.data)
            if text:
                stream.frames += 1
                stream.reader.feed(text, now)
                if stream.first_token_secs is None:
                    stream.first_token_secs = now - stream.asked_at
            if over:
                break
        stream.reader.finish()
        return stream

    async def close(self) -> None:
        """Close the sockets."""
        for socket in self.sockets:
            await socket.close()
        for session in self.http:
            await session.close()


async def read_line() -> None:
    """Wait for a line or the end of standard input."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def run(options: argparse.Namespace) -> None:
    """Open the sockets, wait for a line, ask, print the figures."""
    load = Load(DIALECTS[options.dialect], options.port)
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
        seen["steady"] = steady(streams, begun + len(load.sockets) * STAGGER_SECS, options.steady)
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
