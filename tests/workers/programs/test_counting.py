"""The demo model that counts."""

import pytest

from workers.programs import Ask, counting
from workers.programs.counting import STEP_SECS


class Clock:
    """As asyncio with a loop whose time only `sleep` moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def get_running_loop(self) -> "Clock":
        return self

    def time(self) -> float:
        return self.now

    async def sleep(self, secs: float) -> None:
        self.now += max(0, secs)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(counting, "asyncio", clock)
    return clock


async def test_it_counts_from_0_to_9_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "STEP_SECS", 0)
    pieces = [piece async for piece in counting.count(Ask())]
    assert "".join(pieces) == "\n".join(f"Number {n}" for n in range(10))
    assert pieces[:2] == ["Number 0\n", "Number 1\n"]


async def test_it_takes_a_step_for_each_number_but_none_before_the_first(clock: Clock) -> None:
    heard_at = [clock.now async for _ in counting.count(Ask())]
    assert heard_at == pytest.approx([number * STEP_SECS for number in range(10)])


async def test_a_slow_reader_does_not_shift_the_later_numbers(clock: Clock) -> None:
    async for piece in counting.count(Ask()):
        if piece.startswith("Number 0"):
            await clock.sleep(5 * STEP_SECS)  # it reads late once
    assert clock.now == pytest.approx(9 * STEP_SECS)
