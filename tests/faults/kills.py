"""Kills a worker in the middle of an answer, again and again: `python -m tests.faults.kills --times 50`.

Prints the checker's table, and how long it took from each kill to the next new word. Exits with 1 on any
violation.
"""

import argparse
import asyncio
import statistics
import sys
import time

from tests.faults.checker import Findings, check
from tests.faults.harness import Rig, rigged, scratch
from tests.faults.recording_client import Witness
from tests.harness.socket_client import cookie
from tests.harness.waiting import await_until

RESTARTED, CONTINUED = "words-160@20:kill", "words-160@20:continued"
WORDS_BEFORE = 10  # an answer is in its middle
NEXT_WORD_SECS = 30
END_SECS = 60


async def kill_once(rig: Rig, model: str) -> tuple[Witness, float]:
    """Kill the worker that writes an answer; give its reader, and the seconds to the next new word."""
    witness = Witness(rig.stack.url, await cookie(rig.stack.url), model)
    reading = asyncio.create_task(witness.read())
    await await_until(lambda: _has_words(witness, WORDS_BEFORE), END_SECS, "the answer is in its middle")
    assert witness.response_id is not None
    await asyncio.to_thread(rig.kill_holder, witness.response_id)
    killed_at, heard = time.monotonic(), len(witness.heard)
    await await_until(lambda: _has_delta(witness, heard), NEXT_WORD_SECS, "a new word after the kill")
    pause = time.monotonic() - killed_at
    await asyncio.to_thread(rig.wait_for_worker, rig.start_worker())
    await asyncio.wait_for(reading, END_SECS)
    return witness, pause


async def _has_words(witness: Witness, count: int) -> bool:
    deltas = [h.event["delta"] for h in witness.heard if h.event["type"] == "response.output_text.delta"]
    return len("".join(deltas).split()) >= count


async def _has_delta(witness: Witness, after: int) -> bool:
    return any(heard.event["type"] == "response.output_text.delta" for heard in witness.heard[after:])


async def kill_often(rig: Rig, times: int) -> tuple[Findings, list[float]]:
    """Kill under answers that restart and under answers that continue, in turn."""
    witnesses, pauses = [], []
    for number in range(times):
        witness, pause = await kill_once(rig, (RESTARTED, CONTINUED)[number % 2])
        witnesses.append(witness)
        pauses.append(pause)
        print(f"kill {number + 1} of {times}: {pause:.1f} s to the next word", flush=True)  # noqa: T201
    return await asyncio.to_thread(check, rig.stack, witnesses), pauses


def main() -> int:
    """Kill as often as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="how many kills (50)")
    times = parser.parse_args().times
    with scratch("kills") as directory, rigged(directory, [RESTARTED, CONTINUED]) as rig:
        findings, pauses = asyncio.run(kill_often(rig, times))
    print(findings.table())  # noqa: T201
    median, most = statistics.median(pauses), max(pauses)
    print(f"to the next word: median {median:.1f} s, at most {most:.1f} s")  # noqa: T201
    return 1 if findings.counts else 0


if __name__ == "__main__":
    sys.exit(main())
