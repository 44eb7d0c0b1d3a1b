"""The attempts of this worker process, tasks of its event loop."""

import asyncio
from dataclasses import dataclass, field

from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.provider_runs import ProviderRuns
from workers.generation.attempt import Assignment, Attempt, Outcome, StopReason
from workers.generation.publisher import Publisher
from workers.providers.openai_compatible import Provider

STOP_AGAIN_SECS = 0.5  # as in `task_cancellation`


@dataclass(slots=True)
class Attempts:
    """Running attempts and their shared parts."""

    log: Log
    provider: Provider
    publisher: Publisher
    runs: ProviderRuns = field(default_factory=lambda: ProviderRuns(redis_client.client()))
    _running: dict[str, Attempt] = field(default_factory=dict)
    _draining: bool = False

    @property
    def running(self) -> list[str]:
        """Ids of the responses being written."""
        return list(self._running)

    async def run(self, assignment: Assignment) -> Outcome:
        """Write a response to its end; nothing while handing over."""
        if self._draining:
            return Outcome(stopped=StopReason.HANDED_OVER)
        if earlier := self._running.get(assignment.id):  # this worker was lost, and claimed it again
            earlier.stop(StopReason.SUPERSEDED)
        attempt = Attempt(assignment, self.log, self.provider, self.publisher, self.runs)
        self._running[assignment.id] = attempt
        try:
            return await attempt.run()
        finally:
            if self._running.get(assignment.id) is attempt:  # a later attempt may run here
                del self._running[assignment.id]

    def cancel(self, response_id: str) -> None:
        """Stop a response, closing the connection to its model."""
        if attempt := self._running.get(response_id):
            attempt.stop(StopReason.CANCELLED)

    def supersede(self, response_id: str, top: int) -> None:
        """Stop a response if its log, whose highest number is `top`, has an event of another writer."""
        attempt = self._running.get(response_id)
        if attempt is not None and attempt.is_superseded(top):
            attempt.stop(StopReason.SUPERSEDED)

    def hand_over(self) -> None:
        """Stop all attempts, for other workers; start no more."""
        self._draining = True
        for attempt in self._running.values():
            attempt.stop(StopReason.HANDED_OVER)
        if self._running:
            asyncio.get_running_loop().call_later(STOP_AGAIN_SECS, self.hand_over)
