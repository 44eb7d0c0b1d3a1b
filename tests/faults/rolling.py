"""Restarts web processes under sockets: `python -m tests.faults.rolling --sockets 2000 --drain 30`.

Prints the checker's table and the longest time without text. Exits with 1 on any violation.
"""

import argparse
import asyncio
import gc
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from project.up.parts import web_command
from project.up.ports import HOST
from project.up.probes import get
from tests.faults.checker import Findings
from tests.faults.harness import scratch
from tests.faults.load import all_end, longest_pause, receives_text_since
from tests.faults.recording_client import Question, RecordingClient
from tests.harness.processes import Process, free_port
from tests.harness.socket_client import cookie
from tests.harness.stack import DEPLOYED, MODELS, Stack, answers, collect_static, running
from tests.harness.waiting import await_until, end_tasks

LONG = Question("words-2000@1")  # longer than the restarts: cancelled at their end
ANSWERS = 20  # of as many visitors: one may follow 200 in a process
BATCH = 100  # sockets opened at once, before the restarts
END_SECS = 120
LOOK_SECS = 0.5  # between two checks of a process's health


@dataclass
class Balancer:
    """Several web processes: each socket goes to the next healthy one."""

    ports: tuple[int, ...]
    _looked_at: float = 0
    _turns: Iterator[int] = field(default_factory=lambda: iter(()))

    async def next_url(self) -> str:
        """The address of a process, as a proxy in front of them would choose it."""
        if time.monotonic() - self._looked_at > LOOK_SECS:
            self._looked_at = time.monotonic()
            faults = [(await get(port, "/healthz"))[1] for port in self.ports]
            healthy = [port for port, fault in zip(self.ports, faults, strict=True) if not fault]
            self._turns = itertools.cycle(healthy or self.ports)
        return f"http://{HOST}:{next(self._turns)}"


@dataclass(eq=False)
class BalancedClient(RecordingClient):
    """A reader whose sockets go through no proxy: that would cost as much as reading."""

    balancer: Balancer = field(kw_only=True)

    async def _use_a_socket(self) -> None:
        self.url = await self.balancer.next_url()
        await super()._use_a_socket()

    def other(self) -> "BalancedClient":
        """Another tab of the same answer."""
        same = (self.url, self.session, self.question, self.prompt)
        return BalancedClient(*same, response_id=self.response_id, balancer=self.balancer)


@dataclass
class Rolled:
    """The result of a rolling restart."""

    findings: Findings
    clients: list[BalancedClient]
    exit_codes: list[int]

    @property
    def closes(self) -> Counter[int]:
        """How often each close code was received."""
        return Counter(code for client in self.clients for code, _ in client.closes)

    @property
    def pauses(self) -> list[float]:
        """The longest time without text of each client in seconds, in order."""
        return sorted(map(longest_pause, self.clients))


@contextmanager
def two_webs(stack: Stack) -> Iterator[tuple[Balancer, list[Process]]]:
    """Start two web processes."""
    balancer = Balancer((free_port(), free_port()))
    webs = [
        stack.start(f"rolling{port}", *web_command(port), "--handshake-seconds=60") for port in balancer.ports
    ]
    try:
        for web, port in zip(webs, balancer.ports, strict=True):
            web.wait_until(partial(answers, f"http://{HOST}:{port}/healthz"))
        yield balancer, webs
    finally:
        for web in webs:
            web.kill()


async def roll(stack: Stack, sockets: int) -> Rolled:
    """Restart two web processes, one after the other, under this many sockets."""
    with two_webs(stack) as (balancer, webs):
        url = await balancer.next_url()
        asked = [BalancedClient(url, await cookie(url), LONG, balancer=balancer) for _ in range(ANSWERS)]
        readings = [asyncio.create_task(client.read()) for client in asked]
        await await_until(receives_text_since(asked, 0), END_SECS, "every answer has begun")
        everyone, exit_codes = [*asked], []
        for others in _batches(asked, sockets - ANSWERS):
            readings += [asyncio.create_task(client.read()) for client in others]
            everyone += others
            await await_until(receives_text_since(others, 0), END_SECS, "every reader has text")
        for web, port in zip(webs, balancer.ports, strict=True):
            exit_codes.append(await asyncio.to_thread(web.stop, secs=END_SECS))
            ready = partial(answers, f"http://{HOST}:{port}/healthz")
            await asyncio.to_thread(web.start().wait_until, ready)
            await await_until(receives_text_since(everyone, time.time()), END_SECS, "every reader is back")
        for client in asked:
            await client.cancel()
        findings = await all_end(stack, everyone, END_SECS)
        await end_tasks(readings)
    return Rolled(findings, everyone, exit_codes)


def _batches(asked: list[BalancedClient], count: int) -> Iterator[list[BalancedClient]]:
    """So many other readers; fewer at once than a web process has handshakes."""
    for begin in range(0, count, BATCH):
        yield [asked[number % ANSWERS].other() for number in range(begin, min(begin + BATCH, count))]


def main() -> None:
    """Run once and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=2000)
    parser.add_argument("--drain", default="30")
    options = parser.parse_args()
    gc.disable()  # collecting what thousands of readers hold would stop them all for seconds
    with scratch("rolling") as directory:
        collect_static(directory / "static")
        settings = DEPLOYED | {"TAILRACE_STATIC_ROOT": str(directory / "static")}
        # without proxies, which would take turns with the readers
        with running(directory, 2, None, MODELS, WEB_DRAIN_SECONDS=options.drain, **settings) as stack:
            rolled = asyncio.run(roll(stack, options.sockets))
        print(rolled.findings.table())  # noqa: T201 - its result
        print(f"close codes {dict(rolled.closes)} (0: by the reader)")  # noqa: T201
        longest, most = rolled.pauses[-1], rolled.pauses[len(rolled.pauses) * 99 // 100]
        print(f"longest time without text {longest:.1f} s, of 99 % of the readers {most:.1f} s")  # noqa: T201
    sys.exit(1 if rolled.findings.counts else 0)


if __name__ == "__main__":
    main()
