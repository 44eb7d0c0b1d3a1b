import asyncio
import io
import os
import signal
from pathlib import Path

import pytest

from project.up.console import Console
from project.up.guard import Guard
from project.up.process import MAX_LINE_BYTES, TAIL_LINES, Process
from tests.harness.waiting import await_until, deadline
from tests.project.up.children import SLEEP, STUBBORN, is_alive, part

GRANDCHILD = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid)"


async def shown(screen: io.StringIO, text: str) -> None:
    await await_until(lambda: text in screen.getvalue(), 20, f"the console shows {text!r}")


async def test_both_outputs_are_shown_line_by_line(
    console: Console, screen: io.StringIO, watch: Guard
) -> None:
    code = (
        "import sys; print('one'); sys.stdout.flush(); print('two\\r', file=sys.stderr); print(end='three')"
    )
    process = await Process.start(part("job", code), console, watch)
    assert await process.end() == 0
    assert screen.getvalue() == "job      | one\njob      | two\njob      | three\n"


async def test_the_last_lines_are_kept(console: Console, watch: Guard) -> None:
    process = await Process.start(part("job", "print(*range(50), sep='\\n')"), console, watch)
    await process.end()
    assert list(process.tail) == [str(number) for number in range(50 - TAIL_LINES, 50)]


async def test_a_line_without_an_end_is_shown_in_pieces(
    console: Console, screen: io.StringIO, watch: Guard
) -> None:
    length = 3 * MAX_LINE_BYTES
    process = await Process.start(part("job", f"print('x' * {length})"), console, watch)
    await process.end()
    lines = screen.getvalue().splitlines()
    assert len(lines) > 1
    assert screen.getvalue().count("x") == length


async def test_a_part_has_a_session_of_its_own(console: Console, watch: Guard) -> None:
    process = await Process.start(part("job", SLEEP), console, watch)
    assert os.getsid(process.pid) == process.pid
    assert await process.stop(asyncio.Event()) == -signal.SIGTERM


async def test_a_part_that_ignores_sigterm_is_killed_when_its_time_is_over(
    console: Console, screen: io.StringIO, watch: Guard
) -> None:
    process = await Process.start(part("job", STUBBORN, stop_secs=0.1), console, watch)
    await shown(screen, "deaf")
    assert await process.stop(asyncio.Event()) == -signal.SIGKILL
    assert not process.is_running


@pytest.mark.slow
async def test_in_a_hurry_a_stubborn_part_is_killed_soon(
    console: Console, screen: io.StringIO, watch: Guard
) -> None:
    process = await Process.start(part("job", STUBBORN, stop_secs=600), console, watch)
    await shown(screen, "deaf")
    hurry = asyncio.Event()
    hurry.set()
    assert await asyncio.wait_for(process.stop(hurry), deadline()) == -signal.SIGKILL


async def test_the_children_of_a_part_end_with_it(console: Console, watch: Guard) -> None:
    process = await Process.start(part("job", GRANDCHILD), console, watch)
    assert await process.end() == 0
    await await_until(lambda: not is_alive(int(process.tail[0])), 20, "the grandchild ends")


async def test_the_files_of_a_part_are_private(tmp_path: Path, console: Console, watch: Guard) -> None:
    file = tmp_path / "file"
    process = await Process.start(part("job", f"open({str(file)!r}, 'w').close()"), console, watch)
    assert await process.end() == 0
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_command_that_does_not_exist_is_an_error(console: Console, watch: Guard) -> None:
    with pytest.raises(FileNotFoundError):
        await Process.start(part("job", "", command=("/no/such/command",)), console, watch)
