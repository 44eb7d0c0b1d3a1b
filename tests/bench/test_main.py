"""The benchmark itself, on a run too small for meaningful figures: it must count correctly."""

import json
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.__main__ import arguments, main
from tests.harness.processes import Process, finished
from tests.harness.waiting import deadline

STREAMS, TOKENS = 2, 40
NAMES = ["tailrace", "direct", "relay"]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m bench`."""
    return finished(sys.executable, "-m", "bench", *words, timeout=None)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, static_files: Path) -> tuple[dict[str, Any], str, Path]:
    """The JSON and the terminal output of a tiny run, and the directory of its plots.

    In this process: its parts are forks. The static files are those of the run.
    """
    file = tmp_path_factory.mktemp("bench") / "bench.json"
    static = tmp_path_factory.mktemp("bench") / "static"
    shutil.copytree(static_files, static)
    words = f"--quick --streams {STREAMS} --tokens {TOKENS} --rate 100 --rounds 1".split()
    options = arguments([*words, "--designs", *NAMES, "--json", str(file)])
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as output:
        patch.setenv("TAILRACE_STATIC_ROOT", str(static))
        main(options)
    return json.loads(file.read_text()), output.getvalue(), file.parent


def test_every_token_of_every_design_is_counted(tiny: tuple[dict[str, Any], str, Path]) -> None:
    designs = tiny[0]["designs"]
    assert [*designs] == NAMES
    assert {each["tokens"] for each in designs.values()} == {STREAMS * TOKENS}


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_of_a_design_are_plausible(name: str, tiny: tuple[dict[str, Any], str, Path]) -> None:
    figures = tiny[0]["designs"][name]
    cpu = figures["cpu_us_per_token"]
    assert [*cpu] == ["web", "worker", "broker", "total"]
    assert cpu["total"] == pytest.approx(cpu["web"] + cpu["worker"] + cpu["broker"])
    assert 0 < cpu["total"] < 1_000_000
    for what in ("ttft_ms", "latency_ms"):
        assert 0 < figures[what]["p50"] <= figures[what]["p99"] < 60_000
    assert 0 < figures["tokens_per_sec"] <= STREAMS * 100 * 1.1
    assert figures["tokens_per_frame"] >= 1
    assert figures["rss_mb"]["web"] > 1


def test_the_terminal_has_the_table_and_the_promises(tiny: tuple[dict[str, Any], str, Path]) -> None:
    output = tiny[1]
    assert [line.split()[0] for line in output.splitlines() if line.startswith(tuple(NAMES))][:3] == NAMES
    assert "not measured" in output


def test_the_plots_are_beside_the_json(tiny: tuple[dict[str, Any], str, Path]) -> None:
    assert {each.name for each in tiny[2].glob("*.svg")} == {"cpu-light.svg", "cpu-dark.svg"}


def test_the_machine_is_named(tiny: tuple[dict[str, Any], str, Path]) -> None:
    assert {*tiny[0]["machine"]} == {"cores", "python", "platform"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_its_parts(how: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--only", "idle"]
    process = Process(tmp_path / "bench.log", command).start()
    started = psutil.Process(process.popen.pid)
    process.wait_until(lambda: len(started.children(recursive=True)) > 2)
    parts = started.children(recursive=True)
    process.stop(how, 60)
    assert process.output().splitlines()[-1] == "bench: stopped"
    assert "Traceback" not in process.output()
    assert psutil.wait_procs(parts, deadline())[1] == []


def test_a_section_that_does_not_exist_is_refused() -> None:
    done = bench("--only", "nothing")
    assert done.returncode == 2
    assert "invalid choice" in done.stderr
