"""Control the upstream from a test: start it, read its requests, stop it."""

import http.client
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.harness.processes import Process
from tests.harness.upstream.record import Record
from tests.harness.waiting import deadline, wait_until


@dataclass(frozen=True)
class Upstream:
    """A running upstream. Its calls block for about a millisecond; each takes a whole prompt."""

    port: int
    base_url: str  # the value for OPENAI_BASE_URL

    @classmethod
    @contextmanager
    def start(cls, api_key: str = "", port: int = 0) -> "Iterator[Upstream]":
        """Start a process, and end it with the block."""
        command = (sys.executable, "-m", "tests.harness.upstream", "--port", str(port), "--api-key", api_key)
        with tempfile.TemporaryDirectory() as folder:
            process = Process(Path(folder) / "upstream.log", command).start()
            try:
                process.wait_until(lambda: process.output().endswith("\n"))
                yield cls(**json.loads(process.output()))
            finally:
                process.kill()

    def requests(self, prompt: str | None = None) -> list[Record]:
        """Return the requests, oldest first; with one prompt, or all."""
        return [Record(**row) for row in self._control("GET", "requests", prompt)]

    def clear(self, prompt: str | None = None) -> None:
        """Delete the records, and the counts for `times-N`; of one prompt, or all."""
        self._control("DELETE", "requests", prompt)

    def release(self, prompt: str) -> None:
        """Continue the latest answer to a prompt with `hold-after-N`; it must have been requested."""
        self._control("POST", "releases", prompt)

    def forget_runs(self, prompt: str) -> None:
        """Forget the runs of a prompt in the Responses API, as a server does after some time."""
        self._control("DELETE", "runs", prompt)

    def wait_for_end(self, prompt: str, deadline_secs: float = 5.0) -> Record:
        """Return the only request with this prompt, once it is finished or aborted."""

        def ended() -> Record | None:
            records = self.requests(prompt)
            assert len(records) <= 1, f"{len(records)} requests for {prompt}"
            return next((record for record in records if record.ended_at), None)

        record = wait_until(ended, deadline_secs, f"the end of the request for {prompt}")
        assert record is not None
        return record

    def _control(self, method: str, kind: str, prompt: str | None) -> Any:
        query = "" if prompt is None else "?" + urlencode({"prompt": prompt})
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=deadline())) as connection:
            connection.request(method, f"/control/{kind}{query}")
            reply = connection.getresponse()
            body = json.load(reply)
            assert reply.status == HTTPStatus.OK, f"{method} {kind} of {prompt}: {reply.status}"
        return body
