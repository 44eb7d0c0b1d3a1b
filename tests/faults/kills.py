"""Kills workers in the middle of answers: `python -m tests.faults.kills --times 50`.

Prints the checker's table, and the time from each kill to the next word. Exits with 1 on any
violation.
"""

import argparse
import asyncio
import statistics
import sys
import time

from tests.faults.checker import Findings, check
from tests.faults.harness import Harness, scratch, start_harness
from tests.faults.load import words_of
from tests.faults.recording_client import Question, RecordingClient
from tests.harness.socket_client import cookie
from tests.harness.waiting import await_until, deadline

RESTARTED, CONTINUED = Question("words-160@20"), Question("words-160@20", "scripted-continued")
WORDS_BEFORE = 10  # an answer is in its middle
NEXT_WORD_SECS = 30
END_SECS = 60


async def kill_once(harness: Harness, question: Question) -> tuple[RecordingClient, float]:
    """Kill the worker that writes an answer; return its client, and the seconds to the next word."""
    client = RecordingClient(harness.stack.url, await cookie(harness.stack.url), question)
    reading = asyncio.create_task(client.read())
    await await_until(lambda: words_of(client) >= WORDS_BEFORE, END_SECS, "the answer is in its middle")
    assert client.response_id is not None
    await asyncio.to_thread(harness.kill_holder, client.response_id)
    killed_at, deltas = time.monotonic(), len(client.deltas)
    await await_until(lambda: len(client.deltas) > deltas, NEXT_WORD_SECS, "a new word after the kill")
    pause = time.monotonic() - killed_at
    await asyncio.to_thread(harness.wait_for_worker, harness.start_worker())
    await asyncio.wait_for(reading, deadline(END_SECS))
    return client, pause


async def kill_often(harness: Harness, times: int) -> tuple[Findings, list[float]]:
    """Kill under models that restart and models that continue, in turn."""
    clients, pauses = [], []
    for number in range(times):
        client, pause = await kill_once(harness, (RESTARTED, CONTINUED)[number % 2])
        clients.append(client)
        pauses.append(pause)
        print(f"kill {number + 1} of {times}: {pause:.1f} s to the next word", flush=True)  # noqa: T201
    return await asyncio.to_thread(check, harness.stack, clients), pauses


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="how many kills (50)")
    times = parser.parse_args().times
    with scratch("kills") as directory, start_harness(directory) as harness:
        findings, pauses = asyncio.run(kill_often(harness, times))
    print(findings.table())  # noqa: T201
    median, most = statistics.median(pauses), max(pauses)
    print(f"to the next word: median {median:.1f} s, at most {most:.1f} s")  # noqa: T201
    return 1 if findings.counts else 0


if __name__ == "__main__":
    sys.exit(main())
