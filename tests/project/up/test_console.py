import io
import os
from typing import TextIO

import pytest

from project.up.console import Console, is_colourful


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_plain_line_stands_after_the_name_of_its_part() -> None:
    stream = io.StringIO()
    Console(stream, colour=False, verbose=True).line("web", "listening")
    assert stream.getvalue() == "web      | listening\n"


@pytest.mark.parametrize(("verbose", "shown"), [(False, ["steady"]), (True, ["start", "steady", "stop"])])
def test_lines_of_parts_are_hidden_before_show_parts_and_after_hide_parts(
    verbose: bool, shown: list[str]
) -> None:
    stream = io.StringIO()
    console = Console(stream, colour=False, verbose=verbose)
    console.line("web", "start")
    console.show_parts()
    console.line("web", "steady")
    console.hide_parts()
    console.line("web", "stop")
    assert stream.getvalue().splitlines() == [f"web      | {text}" for text in shown]


def test_each_part_keeps_a_colour_of_its_own() -> None:
    stream = io.StringIO()
    console = Console(stream, colour=True, verbose=True)
    for name in ("web", "worker1", "web"):
        console.line(name, "text")
    first, second, third = stream.getvalue().splitlines()
    assert first == third == "\x1b[36mweb      |\x1b[0m text"
    assert second.startswith("\x1b[35mworker1")


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals_without_no_color(
    stream: TextIO, environ: dict[str, str], expected: bool
) -> None:
    assert is_colourful(stream, environ) is expected


def test_control_characters_are_replaced() -> None:
    stream = io.StringIO()
    console = Console(stream, colour=False, verbose=True)
    console.line("web", "GET /\x1b[2J\x9b\r")
    console.say("Last lines of web:\n  GET /\x1b[2J\tX")
    assert stream.getvalue().splitlines() == [
        "web      | GET /�[2J��",
        "up       | Last lines of web:",
        "up       |   GET /�[2J\tX",
    ]


def test_a_closed_terminal_raises_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:  # noqa: PTH123 - it is a descriptor
        console = Console(stream, colour=False)
        console.say("no reader")
        console.say("still none")
