"""A rolling restart of two web processes under sockets: all move to the other one, and miss nothing."""

from chat.protocol.errors import MOVING
from tests.faults.harness import Harness
from tests.faults.rolling import roll

SOCKETS = 100
KILLED = 1006


async def test_sockets_move_to_another_process_and_miss_nothing(harness: Harness) -> None:
    rolled = await roll(harness.stack, SOCKETS)
    rolled.findings.require(cancelled=SOCKETS)
    assert rolled.exit_codes == [0, 0]
    assert KILLED not in rolled.closes
    assert rolled.closes[MOVING] >= SOCKETS  # half of them by the first process, all by the second
