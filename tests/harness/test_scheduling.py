"""Files that share a system gather in few processes, and every file has its turn."""

from tests.harness.scheduling import SHARED, WAITING, begins_slow, choose

PLAIN, PAGE, OTHER_PAGE = (
    "tests/chat/test_ids.py",
    "tests/browser/test_page.py",
    "tests/browser/test_media.py",
)


def test_a_process_continues_with_the_system_that_it_has() -> None:
    assert choose([PLAIN, PAGE], [OTHER_PAGE], []) == PAGE
    assert choose([PLAIN, PAGE], [PLAIN], []) == PLAIN


def test_a_system_is_started_by_few_processes() -> None:
    busy = [[PAGE]] * SHARED["tests/browser/"]
    assert choose([OTHER_PAGE, PLAIN], [], busy) == PLAIN
    assert choose([OTHER_PAGE, PLAIN], [], busy[1:]) == OTHER_PAGE


def test_nothing_waits_for_ever() -> None:
    assert choose([OTHER_PAGE], [], [[PAGE]] * 9) == OTHER_PAGE


def test_the_processes_beyond_those_that_wait_begin_with_the_fast_tier() -> None:
    assert [begins_slow(f"gw{number}") for number in (0, WAITING - 1, WAITING)] == [True, True, False]
