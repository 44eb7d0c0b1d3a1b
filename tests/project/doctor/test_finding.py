from project.doctor.finding import State, UnavailableError, counts, error, ok, warning


def test_findings_are_counted_by_their_state() -> None:
    found = [ok("a", "x"), warning("b", "x", "y"), ok("c", "x")]
    assert counts(found) == {State.OK: 2, State.WARNING: 1, State.ERROR: 0}
    assert counts([]) == dict.fromkeys(State, 0)


def test_an_unavailable_part_is_an_error() -> None:
    assert UnavailableError("Redis", "silent", "Look.").finding == error("Redis", "silent", "Look.")
