"""Faults at random over a steady load: `python -m tests.faults.nemesis --minutes 10 --seed 7`.

Twenty clients ask again and again; some cancel, some lose their socket. Meanwhile a worker is killed, Redis
freezes, a connection is cut … one fault after the other, each repaired again. At the end the checker compares
the events of every client with the log, the row and the upstream. Prints the seed and the table; exits with 1
on any violation.
"""

import argparse
import asyncio
import random
import resource
import sys
import time
from dataclasses import dataclass, field

from tests.faults import actions
from tests.faults.checker import Findings, check
from tests.faults.harness import Harness, scratch, start_harness
from tests.faults.recording_client import Question, RecordingClient
from tests.harness.socket_client import cookie
from tests.harness.waiting import deadline

STREAMS = 20
WORKERS = 3
QUESTIONS = [
    Question("words-30@10"),
    Question("words-100@20", "scripted-continued"),
    Question("words-100@20"),
    Question("words-160@8"),
]
CANCELLED, HUNG_UP = 0.1, 0.3  # the shares of clients that cancel, or drop their socket
ACTION_SECS = 10  # after so long at the latest a client cancels or drops its socket
PAUSE_SECS = (1.0, 4.0)  # between two faults
END_SECS = 90  # after the last fault, for all to end
RETRIED_CALLS = 3  # how often an attempt may call a server that is cut off
DRAIN_SECONDS = 5  # some attempts end in a worker that stops, and some are handed over
OPEN_FILES = 4096


@dataclass
class Nemesis:
    """One run. `cuts` are the times (Unix seconds) when the upstream was cut off."""

    harness: Harness
    dice: random.Random
    until: float
    streams: int = STREAMS
    clients: list[RecordingClient] = field(default_factory=list)
    cuts: list[tuple[float, float]] = field(default_factory=list)

    async def run(self) -> Findings:
        """Run load and faults until the time is over; then wait for all ends, and check."""
        session = await cookie(self.harness.stack.url)
        # one for each reader, and always as many: the faults do not depend on them
        seeds = [self.dice.randrange(10**6) for _ in range(STREAMS)][: self.streams]
        readers = [asyncio.create_task(self._ask_repeatedly(session, random.Random(seed))) for seed in seeds]
        await self._inject_faults()
        _, stuck = await asyncio.wait(readers, timeout=deadline(END_SECS))
        for reader in stuck:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        self._drop_logs_of_lost_ends()
        return await asyncio.to_thread(check, self.harness.stack, self.clients, self._calls_per_attempt)

    async def _ask_repeatedly(self, session: str, dice: random.Random) -> None:
        """Run one client after the other; some act before their answer ends."""
        while time.time() < self.until:
            client = RecordingClient(self.harness.stack.url, session, dice.choice(QUESTIONS))
            self.clients.append(client)
            action = asyncio.create_task(self._act(client, dice))
            try:
                await client.read()
            finally:
                action.cancel()

    async def _act(self, client: RecordingClient, dice: random.Random) -> None:
        choice = dice.random()
        await asyncio.sleep(dice.random() * ACTION_SECS)
        if choice < CANCELLED:
            await client.cancel()
        elif choice < CANCELLED + HUNG_UP:
            client.hang_up()

    async def _inject_faults(self) -> None:
        """Inject one fault after the other."""
        while time.time() < self.until:
            await asyncio.sleep(self.dice.uniform(*PAUSE_SECS))
            fault = self.dice.choice(actions.ALL)
            began = time.time()
            log(f"{fault.__name__.replace('_', ' ')} …")
            await asyncio.to_thread(fault, self.harness, self.dice)
            if fault in actions.OF_THE_UPSTREAM:
                self.cuts.append((began, time.time()))
            ended = sum(client.ended_at is not None for client in self.clients)
            log(f"… {time.time() - began:.1f} s; {ended} of {len(self.clients)} answers have ended")

    def _drop_logs_of_lost_ends(self) -> None:
        """Delete the logs whose end was lost with newer data of Redis: only the row has that end."""
        for client in self.clients:
            ended_at = client.ended_at or 0
            if any(start <= ended_at <= end for start, end in self.harness.lost_periods):
                self.harness.stack.redis("DEL", self.harness.stack.log_key(str(client.response_id)))

    def _calls_per_attempt(self, client: RecordingClient) -> int:
        began, ended = client.sockets[0], client.ended_at or time.time()
        was_cut = any(began < end and start < ended for start, end in self.cuts)
        return RETRIED_CALLS if was_cut else 1


def log(line: str) -> None:
    """Print a line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)  # noqa: T201 - the progress of a long run


def run(minutes: float, seed: int, streams: int = STREAMS) -> Findings:
    """Start everything, inject faults for so long under so many streams, and check."""
    log(f"seed {seed}")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, OPEN_FILES)), hard))
    drain = {"DRAIN_SECONDS": str(DRAIN_SECONDS)}
    with scratch("nemesis") as directory, start_harness(directory, WORKERS, **drain) as harness:
        until = time.time() + minutes * 60
        return asyncio.run(Nemesis(harness, random.Random(seed), until, streams).run())


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.nemesis", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long faults are injected (10)")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the random choices"
    )
    arguments = parser.parse_args()
    findings = run(arguments.minutes, arguments.seed)
    log(f"seed {arguments.seed}")
    print(findings.table())  # noqa: T201 - the result
    return 1 if findings.counts else 0


if __name__ == "__main__":
    sys.exit(main())
