"""The rules that each reading of a case must follow, in every SDK."""

from chat.protocol.replay import LAST_OPENING
from tests.sdk.cases import Case
from tests.sdk.reading import TERMINAL_TYPES, Job, Reading


def check(job: Job, reading: Reading) -> None:
    """Assert that the SDK has the answer: no error, no event twice, each text whole."""
    _check_order(job, reading)
    if job.source.dropped_at is not None:  # a call that never ends
        assert reading.error == "stream_lost"
        assert reading.status is None
        return
    assert reading.error is None
    assert reading.status == job.source.case.ending.status
    assert [(kind, content) for kind, _, content in reading.output] == list(job.source.case.output)
    contents = {item_id: content for _, item_id, content in reading.output}
    if job.starting_after is None:
        _check_whole(job.source.case, reading, contents)
    else:
        for item_id, text in reading.deltas.items():
            assert contents.get(item_id, text).endswith(text)
    kinds = {item_id: kind for kind, item_id, _ in reading.output}
    for item_id, text in reading.snapshots.items():
        if kinds.get(item_id) == "function_call":
            assert text == contents[item_id]
        elif item_id in contents:
            assert contents[item_id].startswith(text)  # a refusal may follow, which has no snapshot


def _check_order(job: Job, reading: Reading) -> None:
    numbers, after = reading.numbers, job.starting_after
    assert numbers == sorted(set(numbers))
    if after is None:
        assert reading.types[:1] == ["response.created"]
    else:
        assert all(number > after for number in numbers)
    assert reading.types.count("response.in_progress") <= 1
    assert not [kind for kind in reading.types if kind.startswith("tailrace")]
    if reading.status is not None:
        assert reading.types[-1] in TERMINAL_TYPES
        assert numbers[-1] == job.source.case.last


def _check_whole(case: Case, reading: Reading, contents: dict[str, str]) -> None:
    """The deltas add up to the answer; an answer that ended well has the end of each item."""
    assert {item_id: reading.deltas.get(item_id, "") for item_id in contents} == contents
    assert set(contents) <= set(reading.opened)
    assert len(set(reading.opened)) == len(reading.opened)
    assert len(set(reading.done)) == len(reading.done)
    if case.ending.status == "completed":
        assert set(reading.done) == set(reading.opened)


def check_resumed_replay(job: Job, reading: Reading) -> None:
    """After a cursor in its text an ended response is its terminal event, which has the whole."""
    if not job.helper and job.source.snapshot and (job.starting_after or 0) > LAST_OPENING:
        assert len(reading.types) == 1
