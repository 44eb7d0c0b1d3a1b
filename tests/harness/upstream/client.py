"""Control the upstream from a test: start it, read its requests, stop it."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.harness.upstream.record import Record
from tests.harness.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
CONTROL_SECS = 5.0  # a request takes about a millisecond


@dataclass(frozen=True)
class Upstream:
    """A running upstream. Its calls block for about a millisecond."""

    port: int
    base_url: str  # the value for OPENAI_BASE_URL
    pid: int

    @classmethod
    @contextmanager
    def start(cls, api_key: str = "", port: int = 0) -> "Iterator[Upstream]":
        """Start a process of its own, and end it with the block."""
        command = [sys.executable, "-m", "tests.harness.upstream", "--port", str(port), "--api-key", api_key]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield cls(pid=process.pid, **ready_line(process))
            finally:
                process.terminate()

    def requests(self, model: str | None = None) -> list[Record]:
        """Return the requests, oldest first; of one model, or of all."""
        return [Record(**row) for row in self._control("GET", "requests", model)]

    def clear(self, model: str | None = None) -> None:
        """Delete the records; of one model, or of all."""
        self._control("DELETE", "requests", model)

    def release(self, model: str) -> None:
        """Let the latest answer of a `hold-after-N` go on; it must have been requested."""
        self._control("POST", "releases", model)

    def wait_for_end(self, model: str, deadline_secs: float = 5.0) -> Record:
        """Return the only request for this model, once it is finished or aborted."""

        def ended() -> Record | None:
            records = self.requests(model)
            assert len(records) <= 1, f"{len(records)} requests for {model}"
            return next((record for record in records if record.ended_at), None)

        record = wait_until(ended, deadline_secs, f"the end of the request for {model}")
        assert record is not None
        return record

    def _control(self, method: str, what: str, model: str | None) -> Any:
        query = "" if model is None else "?" + urlencode({"model": model})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CONTROL_SECS)
        try:
            connection.request(method, f"/control/{what}{query}")
            reply = connection.getresponse()
            body = reply.read()
            assert reply.status < HTTPStatus.BAD_REQUEST, f"{method} {what} of {model}: {reply.status}"
        finally:
            connection.close()
        return json.loads(body) if body else None


def ready_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what the process prints when it is ready; it prints nothing when it cannot start."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the scripted upstream did not start"
    ready: dict[str, Any] = json.loads(line)
    return ready
