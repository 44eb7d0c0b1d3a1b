import asyncio
import io

import pytest

from project.up.console import Console
from project.up.errors import StartError
from project.up.guard import Guard
from project.up.keeper import Backoff, Keeper, ending
from tests.harness.waiting import await_until
from tests.project.up.children import part

CRASH = "print('the reason'); raise SystemExit(3)"


def test_the_pause_doubles_up_to_half_a_minute() -> None:
    backoff = Backoff()
    assert [backoff.after(1) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_the_pause_is_short_again_after_a_minute_of_health() -> None:
    backoff = Backoff()
    assert [backoff.after(secs) for secs in (1, 1, 1, 60, 1)] == [0.5, 1, 2, 0.5, 1]


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "ended with exit code 0"), (3, "ended with exit code 3"), (-9, "was ended by SIGKILL")],
)
def test_the_description_of_an_end(code: int, text: str) -> None:
    assert ending(code) == text


@pytest.mark.parametrize(
    ("command", "end"), [(("/no/such",), "could not be started (No such file or directory)"), (None, "ended")]
)
@pytest.mark.slow
async def test_a_settled_part_starts_again_after_growing_pauses(
    console: Console, screen: io.StringIO, watch: Guard, command: tuple[str, ...] | None, end: str
) -> None:
    crashing = part("web", CRASH) if command is None else part("web", "", command=command)
    keeper = Keeper(crashing, console, watch)
    keeper.is_settled = True
    keeping = asyncio.create_task(keeper.keep())
    await await_until(lambda: "it starts again in 1 s" in screen.getvalue(), 20, "two crashes")
    keeping.cancel()
    lines = [line for line in screen.getvalue().splitlines() if line.startswith("up ")]
    assert [line.rpartition("again in ")[2] for line in lines] == ["0.5 s", "1 s"]
    assert all(line.startswith(f"up       | web {end}") for line in lines)


async def test_an_end_during_start_up_shows_the_last_lines_and_the_remedy(
    console: Console, watch: Guard
) -> None:
    with pytest.raises(StartError) as raised:
        await Keeper(part("web", CRASH), console, watch).keep()
    assert str(raised.value) == (
        "web ended with exit code 3 during start-up.\nLast lines of web:\n  the reason\nFix it."
    )


FAILING_STOP = """
import signal, time
def stop(*_):
    print("the reason")
    raise SystemExit(3)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(600)
"""


async def test_a_stop_that_fails_shows_the_last_lines(screen: io.StringIO, watch: Guard) -> None:
    keeper = Keeper(part("web", FAILING_STOP), Console(screen, colour=False), watch)
    keeping = asyncio.create_task(keeper.keep())
    await await_until(lambda: "  ready" in keeper.tail(), 20, "the part handles SIGTERM")
    keeping.cancel()
    await keeper.stop(asyncio.Event())
    assert screen.getvalue().splitlines() == [
        "up       | web ended with exit code 3",
        "up       | Last lines of web:",
        "up       |   ready",
        "up       |   the reason",
    ]


async def test_a_preparation_that_fails_is_an_error_and_one_that_succeeds_is_not(
    console: Console, watch: Guard
) -> None:
    await Keeper(part("migrate", "pass"), console, watch).run_to_end()
    with pytest.raises(
        StartError, match=r"^migrate ended with exit code 3\.\nLast lines of migrate:\n  the reason"
    ):
        await Keeper(part("migrate", CRASH), console, watch).run_to_end()
