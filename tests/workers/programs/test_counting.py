"""The demo model that counts."""

import asyncio

import pytest

from workers.programs import Ask, counting


async def test_it_counts_from_0_to_9_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "STEP_SECS", 0)
    pieces = [piece async for piece in counting.count(Ask())]
    assert "".join(pieces) == "\n".join(f"Number {n}" for n in range(10))
    assert pieces[:2] == ["Number 0\n", "Number 1\n"]


async def test_it_takes_a_step_for_each_number_but_none_before_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "STEP_SECS", 0.02)
    clock = asyncio.get_running_loop().time
    begin, heard_at = clock(), []
    async for _ in counting.count(Ask()):
        heard_at.append(clock() - begin)
    assert heard_at[0] < 0.02
    assert all(at >= number * 0.02 for number, at in enumerate(heard_at))


async def test_a_slow_reader_does_not_shift_the_later_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "STEP_SECS", 0.02)
    clock = asyncio.get_running_loop().time
    begin = clock()
    async for piece in counting.count(Ask()):
        if piece.startswith("Number 0"):
            await asyncio.sleep(0.1)  # it reads late once
    assert clock() - begin < 0.1 + 9 * 0.02
