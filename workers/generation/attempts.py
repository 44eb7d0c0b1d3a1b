"""The attempts that run in this worker process, each a task of its one event loop.

arrow in: `tasks` runs one, `supervision` stops them · arrow out: `attempt`
"""

import asyncio
from dataclasses import dataclass, field

from chat.transport.event_log import Log
from workers.generation.attempt import Assignment, Attempt, Outcome, StopReason
from workers.generation.publisher import Publisher
from workers.providers.openai_compatible import Provider

STOP_AGAIN_SECS = 0.5  # on Python 3.11 a Redis command that ends just then swallows a cancellation


@dataclass(slots=True)
class Attempts:
    """Who runs here, and what they run on."""

    log: Log
    provider: Provider
    publisher: Publisher
    _running: dict[str, Attempt] = field(default_factory=dict)
    _draining: bool = False

    @property
    def running(self) -> list[str]:
        """The ids of the responses that are being written."""
        return list(self._running)

    async def run(self, assignment: Assignment) -> Outcome:
        """Write a response to its end; nothing if this worker hands over."""
        if self._draining:
            return Outcome(stopped=StopReason.HANDED_OVER)
        attempt = Attempt(assignment, self.log, self.provider, self.publisher)
        self._running[assignment.id] = attempt
        try:
            return await attempt.run()
        finally:
            if self._running.get(assignment.id) is attempt:  # a later attempt may run in this very process
                del self._running[assignment.id]

    def cancel(self, response_id: str) -> None:
        """Stop writing a response, if it is written here: the connection to the model is closed."""
        if attempt := self._running.get(response_id):
            attempt.stop(StopReason.CANCELLED)

    def hand_over(self) -> None:
        """Stop writing everything, so that other workers continue; from now on start nothing."""
        self._draining = True
        for attempt in self._running.values():
            attempt.stop(StopReason.HANDED_OVER)
        if self._running:
            asyncio.get_running_loop().call_later(STOP_AGAIN_SECS, self.hand_over)
