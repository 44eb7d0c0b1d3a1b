from pathlib import Path

import pytest

from bench.designs import Design, Scale
from bench.loader import VoidRunError
from bench.parts import Parts
from bench.runs import Work, median_of, run, running, upstream
from project.up.ports import HOST, pick_free
from project.up.probes import ConnectProbe

WORK = Work(streams=2, tokens=20, rate=200)


def faulty(times: int) -> Design:
    """A design that says one token so many times."""

    async def start(parts: Parts, _: Scale) -> list[int]:
        port = pick_free()
        words = ("--port", str(port), "--times", str(times))
        part = parts.python("web", "web", "tests.bench.faulty_app", *words)
        await parts.wait_for(part, ConnectProbe(HOST, port))
        return [port]

    return Design("faulty", "plain", start)


async def seen_with(times: int, directory: Path) -> dict[str, float]:
    async with (
        upstream(directory) as server,
        running(faulty(times), Scale(), directory / "faulty", server) as target,
    ):
        return await run(target, WORK)


@pytest.mark.parametrize("times", [0, 2])
async def test_a_token_that_is_lost_or_doubled_voids_the_run(times: int, tmp_path: Path) -> None:
    with pytest.raises(VoidRunError, match="WrongStreamError") as caught:
        await seen_with(times, tmp_path)
    assert str(caught.value).startswith("faulty: ")


async def test_a_run_counts_every_token_and_every_answer(tmp_path: Path) -> None:
    figures = await seen_with(1, tmp_path)
    assert figures["tokens"] == WORK.streams * WORK.tokens
    assert figures["streams"] == WORK.streams


def test_the_median_of_rounds_comes_with_their_spread() -> None:
    rounds = [{"cpu": {"web": value}, "tokens": value} for value in (3.0, 1.0, 8.0)]
    assert median_of(rounds) == {
        "rounds": 3,
        "cpu": {"web": 3.0},
        "tokens": 3.0,
        "spread": {"cpu": {"web": [1.0, 8.0]}, "tokens": [1.0, 8.0]},
    }


def test_works_say_what_they_are() -> None:
    assert str(WORK) == "2 streams at 200 tokens/s, 20 tokens each"
    assert WORK.prompt == "[stamped-20@200]"
