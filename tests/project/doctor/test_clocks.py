import pytest

from project.doctor import clocks
from project.doctor.finding import State
from tests.project.doctor.looks import faults


@pytest.mark.parametrize(
    ("theirs", "ahead"), [(99.0, -1.0), (100.0, 0.0), (101.0, 0.0), (102.0, 0.0), (109.0, 7.0)]
)
def test_a_difference_within_the_round_trip_does_not_count(theirs: float, ahead: float) -> None:
    assert clocks.ahead(theirs, before=100.0, after=102.0) == ahead


@pytest.mark.parametrize(
    ("apart", "state"),
    [
        (0.0, State.OK),
        (-1.0, State.OK),
        (1.1, State.WARNING),
        (-5.0, State.WARNING),
        (5.1, State.ERROR),
        (-3600.0, State.ERROR),
    ],
)
def test_clocks_are_judged_by_how_far_they_are_apart(apart: float, state: State) -> None:
    finding = clocks.judged("clock", apart)
    faults([finding])
    assert finding.state is state
