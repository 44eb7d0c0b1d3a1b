import asyncio
import io
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from project.up import supervisor
from project.up.console import Console
from project.up.errors import StartError
from project.up.guard import Guard
from project.up.parts import Part, Plan
from project.up.supervisor import Supervisor
from tests.harness.waiting import await_until
from tests.project.up.children import SLEEP, STUBBORN, part, until_file

WELCOME = "everything runs"
# logs its start and its end to a file, for their order
LOGGING = """
import pathlib, signal, sys, time
def stop(*_):
    with pathlib.Path({log!r}).open("a") as log: log.write("{name} ends\\n")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
with pathlib.Path({log!r}).open("a") as log: log.write("{name} starts\\n")
pathlib.Path({ready!r}).touch()
time.sleep(600)
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Four parts that stop in another order than they start."""
    log = str(tmp_path / "log")

    def logging(name: str, turn: int) -> Part:
        ready = tmp_path / f"{name} is ready"
        code = LOGGING.format(name=name, log=log, ready=str(ready))
        return part(name, code, stop_turn=turn, wait=until_file(ready))

    return Plan(
        outside={},
        servers=(logging("redis", 3), logging("model", 2)),
        preparations=(part("migrate", f"with open({log!r}, 'a') as log: log.write('migrate runs\\n')"),),
        processes=(logging("web", 1),),
        page=until_file(tmp_path / "web is ready"),
    )


Shown = Callable[[str], Awaitable[None]]


@pytest.fixture
def shown(screen: io.StringIO) -> Shown:
    """Wait until the console has shown a text."""

    async def wait(text: str) -> None:
        await await_until(lambda: text in screen.getvalue(), 30, f"the console shows {text!r}")

    return wait


def log_of(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().splitlines()


async def test_parts_start_in_order_and_stop_in_order(
    plan: Plan, tmp_path: Path, console: Console, watch: Guard, shown: Shown
) -> None:
    run = asyncio.create_task(Supervisor(plan, console, watch).run(lambda: WELCOME))
    await shown(WELCOME)
    assert log_of(tmp_path) == ["redis starts", "model starts", "migrate runs", "web starts"]
    os.kill(os.getpid(), signal.SIGTERM)
    await run
    assert log_of(tmp_path)[4:] == ["web ends", "model ends", "redis ends"]


async def test_each_step_is_shown(
    plan: Plan, screen: io.StringIO, console: Console, watch: Guard, shown: Shown
) -> None:
    run = asyncio.create_task(Supervisor(plan, console, watch).run(lambda: WELCOME))
    await shown(WELCOME)
    os.kill(os.getpid(), signal.SIGINT)
    await run
    steps = [line.split("|")[1].split(" in ")[0].strip() for line in screen.getvalue().splitlines()]
    assert steps == [
        *["redis ready", "model ready", "migrate done", "web ready", "page ready", WELCOME],
        *["stopping: each part has up to 10 s; a second Ctrl-C kills it after 1 s"],
        *["web stopped", "model stopped", "redis stopped", "all parts have stopped"],
    ]


@pytest.fixture
def terminal() -> Iterator[None]:
    """Make SIGHUP count, also when the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("terminal")
@pytest.mark.slow
async def test_a_killed_part_is_started_again(
    plan: Plan, tmp_path: Path, console: Console, watch: Guard, shown: Shown
) -> None:
    runner = Supervisor(plan, console, watch)
    run = asyncio.create_task(runner.run(lambda: WELCOME))
    await shown(WELCOME)
    web = next(keeper for keeper in runner._keepers if keeper.part.name == "web")
    assert web._process is not None
    os.kill(web._process.pid, signal.SIGKILL)
    await shown("web was ended by SIGKILL; it starts again in 0.5 s")
    await await_until(lambda: log_of(tmp_path).count("web starts") == 2, 30, "web starts again")
    os.kill(os.getpid(), signal.SIGHUP)
    await run
    assert log_of(tmp_path)[-3:] == ["web ends", "model ends", "redis ends"]


async def test_a_part_that_ends_during_start_up_stops_the_rest(
    plan: Plan, tmp_path: Path, console: Console, watch: Guard
) -> None:
    never = until_file(tmp_path / "never")
    crashing = part("worker1", "print('no module'); raise SystemExit(1)")
    broken = replace(plan, processes=(crashing, part("web", SLEEP, wait=never)))
    with pytest.raises(
        StartError, match=r"worker1 ended with exit code 1 during start-up\.\n.*\n  no module"
    ):
        await Supervisor(broken, console, watch).run(lambda: WELCOME)
    assert log_of(tmp_path)[-2:] == ["model ends", "redis ends"]


@pytest.mark.slow
async def test_a_part_that_is_never_ready_is_an_error_with_its_last_lines(
    plan: Plan, tmp_path: Path, console: Console, watch: Guard, shown: Shown
) -> None:
    never = until_file(tmp_path / "never", secs=1)

    class Late:
        """Never ready; the first look ends once the part has printed, however late."""

        async def shortfall(self) -> str:
            await shown("busy")
            return await never.probe.shortfall()

    busy = part("web", f"print('busy', flush=True); {SLEEP}", wait=replace(never, probe=Late()))
    with pytest.raises(StartError) as raised:
        await Supervisor(replace(plan, processes=(busy,)), console, watch).run(lambda: WELCOME)
    assert str(raised.value) == (
        "web was not ready within 1 s: no never yet\nLast lines of web:\n  busy\nMake the file."
    )


@pytest.mark.slow
async def test_a_page_that_is_never_ready_is_an_error_with_the_last_lines_of_all_parts(
    plan: Plan, tmp_path: Path, console: Console, watch: Guard
) -> None:
    ready = tmp_path / "ready"
    busy = part(
        "web",
        f"print('busy', flush=True); open({str(ready)!r}, 'w').close(); {SLEEP}",
        wait=until_file(ready),
    )
    broken = replace(plan, processes=(busy,), page=until_file(tmp_path / "never", secs=1))
    with pytest.raises(
        StartError, match=r"^page was not ready .*\nLast lines of web:\n  busy\nMake the file\.$"
    ):
        await Supervisor(broken, console, watch).run(lambda: WELCOME)


TALKATIVE = """
import pathlib, signal, sys, time
def stop(*_):
    print("it stops", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, stop)
print("it starts", flush=True)
pathlib.Path({ready!r}).touch()
while not pathlib.Path({steady!r}).exists():
    time.sleep(0.01)
print("a warning", flush=True)
time.sleep(600)
"""


async def test_lines_of_parts_are_shown_between_start_and_stop_only(
    plan: Plan, tmp_path: Path, screen: io.StringIO, watch: Guard, shown: Shown
) -> None:
    ready, steady = tmp_path / "ready", tmp_path / "steady"
    talkative = part("web", TALKATIVE.format(ready=str(ready), steady=str(steady)), wait=until_file(ready))
    plan = replace(plan, processes=(talkative,), page=until_file(ready))
    run = asyncio.create_task(Supervisor(plan, Console(screen, colour=False), watch).run(lambda: WELCOME))
    await shown(WELCOME)
    steady.touch()
    await shown("a warning")
    os.kill(os.getpid(), signal.SIGINT)
    await run
    lines = screen.getvalue().splitlines()
    assert [line for line in lines if not line.startswith("up ")] == ["web      | a warning"]
    assert lines[-1] == "up       | all parts have stopped"


@pytest.mark.slow
async def test_a_long_step_shows_its_progress(
    plan: Plan,
    tmp_path: Path,
    console: Console,
    watch: Guard,
    shown: Shown,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "PROGRESS_SECS", 0.1)
    waiting = part("web", SLEEP, wait=until_file(tmp_path / "file", secs=60))
    plan = replace(plan, processes=(waiting,), page=until_file(tmp_path / "file"))
    run = asyncio.create_task(Supervisor(plan, console, watch).run(lambda: WELCOME))
    await shown("web … 1 s")
    (tmp_path / "file").touch()
    await shown(WELCOME)
    os.kill(os.getpid(), signal.SIGINT)
    await run


async def test_a_server_elsewhere_that_does_not_answer_stops_the_start(
    plan: Plan, tmp_path: Path, console: Console, watch: Guard
) -> None:
    unreachable = replace(plan, outside={"redis": until_file(tmp_path / "never", secs=0)})
    with pytest.raises(StartError, match=r"^redis was not ready within 0 s: no never yet\nMake the file\.$"):
        await Supervisor(unreachable, console, watch).run(lambda: WELCOME)
    assert not (tmp_path / "log").exists()


async def test_a_stop_during_start_up_is_orderly(
    plan: Plan, tmp_path: Path, console: Console, watch: Guard, shown: Shown
) -> None:
    waiting = part("web", f"print('busy', flush=True); {SLEEP}", wait=until_file(tmp_path / "never"))
    run = asyncio.create_task(
        Supervisor(replace(plan, processes=(waiting,)), console, watch).run(lambda: WELCOME)
    )
    await shown("busy")
    os.kill(os.getpid(), signal.SIGINT)
    await run
    assert log_of(tmp_path)[-2:] == ["model ends", "redis ends"]


@pytest.mark.slow
async def test_a_second_signal_hurries(
    plan: Plan, tmp_path: Path, console: Console, watch: Guard, shown: Shown
) -> None:
    stubborn = part("web", STUBBORN, stop_secs=600)
    plan = replace(plan, processes=(stubborn,), page=plan.servers[0].wait or plan.page)
    run = asyncio.create_task(Supervisor(plan, console, watch).run(lambda: WELCOME))
    await shown("deaf")
    await shown(WELCOME)
    os.kill(os.getpid(), signal.SIGINT)
    await shown("stopping: each part has up to 600 s; a second Ctrl-C kills it after 1 s")
    os.kill(os.getpid(), signal.SIGINT)
    await run
    await shown("web was ended by SIGKILL")
