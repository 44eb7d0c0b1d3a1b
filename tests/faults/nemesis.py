"""Faults at random over a steady load: `python -m tests.faults.nemesis --minutes 10 --seed 7`.

Thirty readers ask again and again; some press Stop, some lose their socket. Meanwhile a worker is killed,
Redis freezes, a way is cut … one fault after the other, each healed again. At the end the checker compares
what every reader saw with the log, the row and the upstream. Prints the seed and the table; exits with 1 on
any violation.
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
from tests.faults.harness import Rig, rigged, scratch
from tests.faults.recording_client import Witness
from tests.harness.socket_client import cookie

STREAMS = 30
WORKERS = 3
MODELS = ["words-60@20:short", "words-200@40:continued", "words-200@40:restarted", "words-300@15:long"]
STOPPED, HUNG_UP = 0.1, 0.3  # the shares of readers who press Stop, or lose their socket
LONGEST_SECS = 10  # after so long at the latest a reader does what it has in mind
PAUSE_SECS = (1.0, 4.0)  # between two faults
END_SECS = 90  # after the last fault, for everybody to come to the end
ASKED_AGAIN = 3  # how often an attempt may ask a model's server that is cut off
DRAIN_SECONDS = 5  # some answers end in a worker that stops, and some are handed over
OPEN_FILES = 4096


@dataclass
class Nemesis:
    """One run. `cuts` are the times (Unix seconds) when the way upstream was not whole."""

    rig: Rig
    dice: random.Random
    until: float
    witnesses: list[Witness] = field(default_factory=list)
    cuts: list[tuple[float, float]] = field(default_factory=list)

    async def run(self) -> Findings:
        """Load and faults until the time is over; then see everybody to the end, and compare."""
        session = await cookie(self.rig.stack.url)
        seeds = [
            self.dice.randrange(10**6) for _ in range(STREAMS)
        ]  # each rolls its own: faults stay the same
        readers = [asyncio.create_task(self._ask_on(session, random.Random(seed))) for seed in seeds]
        await self._plague()
        _, stuck = await asyncio.wait(readers, timeout=END_SECS)
        for reader in stuck:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        self._excuse_forgotten_ends()
        return await asyncio.to_thread(check, self.rig.stack, self.witnesses, self._calls_per_attempt)

    async def _ask_on(self, session: str, dice: random.Random) -> None:
        """One reader after the other, each with something in mind."""
        while time.time() < self.until:
            witness = Witness(self.rig.stack.url, session, dice.choice(MODELS))
            self.witnesses.append(witness)
            whim = asyncio.create_task(self._have_a_whim(witness, dice))
            try:
                await witness.read()
            finally:
                whim.cancel()

    async def _have_a_whim(self, witness: Witness, dice: random.Random) -> None:
        mood = dice.random()
        await asyncio.sleep(dice.random() * LONGEST_SECS)
        if mood < STOPPED:
            await witness.cancel()
        elif mood < STOPPED + HUNG_UP:
            witness.hang_up()

    async def _plague(self) -> None:
        """One fault after the other."""
        while time.time() < self.until:
            await asyncio.sleep(self.dice.uniform(*PAUSE_SECS))
            plague = self.dice.choice(actions.ALL)
            began = time.time()
            say(f"{plague.__name__.replace('_', ' ')} …")
            await asyncio.to_thread(plague, self.rig, self.dice)
            if plague in actions.OF_THE_UPSTREAM:
                self.cuts.append((began, time.time()))
            ended = sum(witness.ended_at is not None for witness in self.witnesses)
            say(f"… {time.time() - began:.1f} s; {ended} of {len(self.witnesses)} answers have ended")

    def _excuse_forgotten_ends(self) -> None:
        """An end that Redis' older data lacks stands in the row alone: the log of that answer tells less."""
        for witness in self.witnesses:
            ended_at = witness.ended_at or 0
            if any(start <= ended_at <= end for start, end in self.rig.forgotten):
                self.rig.stack.redis("DEL", f"response:{{{witness.response_id}}}:log")

    def _calls_per_attempt(self, witness: Witness) -> int:
        began, ended = witness.sockets[0], witness.ended_at or time.time()
        was_cut = any(began < end and start < ended for start, end in self.cuts)
        return ASKED_AGAIN if was_cut else 1


def say(line: str) -> None:
    """Print a line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)  # noqa: T201 - the progress of a long run


def run(minutes: float, seed: int) -> Findings:
    """Start everything, let it suffer for so long, and compare."""
    say(f"seed {seed}")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, OPEN_FILES)), hard))
    drain = {"DRAIN_SECONDS": str(DRAIN_SECONDS)}
    with scratch("nemesis") as directory, rigged(directory, MODELS, WORKERS, **drain) as rig:
        return asyncio.run(Nemesis(rig, random.Random(seed), time.time() + minutes * 60).run())


def main() -> int:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.nemesis", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long faults are injected (10)")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the dice"
    )
    arguments = parser.parse_args()
    findings = run(arguments.minutes, arguments.seed)
    say(f"seed {arguments.seed}")
    print(findings.table())  # noqa: T201 - the result
    return 1 if findings.counts else 0


if __name__ == "__main__":
    sys.exit(main())
