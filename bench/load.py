"""The load: opens sockets, asks, and checks that every token arrives once and in order.

A process of its own. It prints `ready` when all sockets are open, waits for a line on its standard input,
asks on one socket after the other, and prints what it saw as one line of JSON. A wrong stream makes it fail:
the run is void.
"""

import argparse
import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.dialects import DIALECTS, Dialect, RefusedError
from bench.tokens import TokenReader, WrongStreamError

HOST = "127.0.0.1"
STAGGER_SECS = 0.037  # streams that start together share wake-ups, and flatter every design
OPENING_AT_ONCE = 20  # sockets
PATIENCE_SECS = 180  # beyond the time that an answer takes by itself
PERCENTS = (50, 95, 99)


@dataclass(slots=True)
class Stream:
    """What one socket saw."""

    asked_at: float
    reader: TokenReader
    first_token_secs: float | None = None
    frames: int = 0  # that brought text


@dataclass(slots=True)
class Load:
    """All sockets of one run."""

    dialect: Dialect
    ports: Sequence[int]
    http: list[aiohttp.ClientSession] = field(default_factory=list)
    sockets: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)

    async def open(self, count: int) -> None:
        """Open the sockets, each as a visitor of its own, spread over the web processes."""
        gate = asyncio.Semaphore(OPENING_AT_ONCE)
        await asyncio.gather(*(self._open_one(number, gate) for number in range(count)))

    async def _open_one(self, number: int, gate: asyncio.Semaphore) -> None:
        base = f"http://{HOST}:{self.ports[number % len(self.ports)]}"
        async with gate:
            session = aiohttp.ClientSession(
                base, cookie_jar=aiohttp.CookieJar(unsafe=True)
            )  # an IP has cookies too
            self.http.append(session)
            if self.dialect.needs_session:
                async with session.get("/") as page:
                    page.raise_for_status()
            self.sockets.append(await session.ws_connect(self.dialect.path, max_msg_size=0))

    async def ask_all(self, model: str, tokens: int, rate: float) -> list[Stream]:
        """Ask on every socket, one after the other, and read all answers to their ends."""
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(len(self.sockets) * STAGGER_SECS + tokens / rate + PATIENCE_SECS):
            asking = (
                self._ask(socket, model, tokens, begun + number * STAGGER_SECS)
                for number, socket in enumerate(self.sockets)
            )
            return await asyncio.gather(*asking)

    async def _ask(
        self, socket: aiohttp.ClientWebSocketResponse, model: str, tokens: int, at: float
    ) -> Stream:
        await asyncio.sleep(at - asyncio.get_running_loop().time())
        stream = Stream(time.monotonic(), TokenReader(tokens))
        await socket.send_str(self.dialect.ask(model))
        async for frame in socket:
            now = time.monotonic()
            text, over = self.dialect.hear(frame.data)
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


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """The percentiles, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else [*seconds] * 99
    return {f"p{percent}": cuts[percent - 1] * 1000 for percent in PERCENTS}


def summary(streams: Sequence[Stream]) -> dict[str, Any]:
    """What all streams saw together."""
    latencies = [each for stream in streams for each in stream.reader.latencies]
    return {
        "tokens": len(latencies),
        "frames": sum(stream.frames for stream in streams),
        "latency_ms": percentiles_ms(latencies),
        "ttft_ms": percentiles_ms([stream.first_token_secs or 0 for stream in streams]),
    }


async def heard_a_line() -> None:
    """Wait for a line on the standard input, or its end."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def run(options: argparse.Namespace) -> None:
    """Open, wait for the word, ask, and tell."""
    load = Load(DIALECTS[options.dialect], options.port)
    try:
        await load.open(options.sockets)
        print("ready", flush=True)
        await heard_a_line()
        if options.model:
            begun, cpu = time.monotonic(), time.process_time()
            seen = summary(await load.ask_all(options.model, options.tokens, options.rate))
            seen |= {"secs": time.monotonic() - begun, "cpu_secs": time.process_time() - cpu}
            print(json.dumps(seen), flush=True)
            await heard_a_line()
    finally:
        await load.close()


def main() -> int:
    """Parse the command line, and load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", choices=DIALECTS, required=True)
    parser.add_argument("--port", type=int, nargs="+", required=True, help="of the web processes")
    parser.add_argument("--sockets", type=int, required=True)
    parser.add_argument("--model", help="what to ask; without it the sockets stay idle")
    parser.add_argument("--tokens", type=int, default=0, help="in each answer")
    parser.add_argument("--rate", type=float, default=1, help="tokens per second of each answer")
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
