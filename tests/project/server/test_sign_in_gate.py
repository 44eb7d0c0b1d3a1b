"""A network that floods is refused before Django; other networks and its other requests are served."""

import asyncio
from typing import Any

import pytest

from chat.accounts import sign_in
from chat.accounts.sign_in import MOST_REFUSALS, WINDOW_SECS
from chat.transport.counters import LocalCounters
from project.server import sign_in_gate
from project.server.sign_in_gate import SignInGate
from tests.harness.waiting import await_until

Message = dict[str, Any]


class Clock:
    secs = 1_000.0

    def __call__(self) -> float:
        return self.secs


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of the counts, which are empty."""
    clock = Clock()
    counts = LocalCounters(clock)
    for module in (sign_in, sign_in_gate):
        monkeypatch.setattr(module, "refused", counts)
    monkeypatch.setattr(sign_in_gate, "DELAY_SECS", 0)
    return clock


async def answer(scope: Message, receive: Any, send: Any) -> None:
    """An application behind the gate."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def status(
    method: str = "POST",
    path: str = "/accounts/login/",
    client: Any = ("192.0.2.1", 1),
    gate: SignInGate | None = None,
) -> tuple[int, bytes | None]:
    """The status, 200 from the application; and `Retry-After`."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        raise AssertionError  # the body is not read

    scope = {"type": "http", "method": method, "path": path, "client": client}
    await (gate or SignInGate(answer))(scope, nothing, send)
    return sent[0]["status"], dict(sent[0]["headers"]).get(b"retry-after")


async def test_a_network_is_refused_after_many_refusals_until_its_window_ends(clock: Clock) -> None:
    sign_in.refused.add(["192.0.2.1"], WINDOW_SECS, MOST_REFUSALS)
    assert await status() == (200, None)
    sign_in.refused.add(["192.0.2.1"], WINDOW_SECS, 1)
    clock.secs += 19.5
    for path in ("/accounts/login/", "/admin/login/", "/below/accounts/login/"):
        assert await status(path=path) == (429, b"41")
    clock.secs += 40.5
    assert await status() == (200, None)


@pytest.mark.usefixtures("clock")
async def test_all_else_goes_on() -> None:
    sign_in.refused.add(["192.0.2.1"], WINDOW_SECS, MOST_REFUSALS + 1)
    assert await status("GET") == (200, None)
    assert await status(path="/guest/") == (200, None)
    assert await status(client=("192.0.2.2", 1)) == (200, None)
    assert await status(client=None) == (200, None)
    assert await status(client=("::ffff:192.0.2.1", 1)) == (429, b"60")


@pytest.mark.usefixtures("clock")
async def test_a_refusal_waits_unless_too_many_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_gate, "DELAY_SECS", 3600)
    monkeypatch.setattr(sign_in_gate, "MOST_DELAYED", 2)
    sign_in.refused.add(["192.0.2.1"], WINDOW_SECS, MOST_REFUSALS + 1)
    gate = SignInGate(answer)
    waiting = [asyncio.create_task(status(gate=gate)) for _ in range(2)]
    await await_until(lambda: gate._delayed == 2, 5, "both wait")
    assert await status(gate=gate) == (429, b"60")
    assert await status("GET", gate=gate) == (200, None)
    for task in waiting:
        assert not task.done()
        task.cancel()
    await asyncio.wait(waiting)
    assert gate._delayed == 0


@pytest.mark.usefixtures("clock", "static_root", "db")
def test_each_refusal_of_a_sign_in_counts(rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "_count", lambda counted: 7)
    view = sign_in.limited(lambda request: pytest.fail("checked"))
    for _ in range(2):
        assert view(rf.post("/", {"username": "a"}, REMOTE_ADDR="192.0.2.1")).status_code == 429
    assert sign_in.refused.get("192.0.2.1").value == 2
