"""The scripted upstream's process: HTTP on a bare protocol, the routes, the key, the records."""

import asyncio
import json
import re
import signal
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.harness.upstream.answer import Answer
from tests.harness.upstream.digests import digested
from tests.harness.upstream.frames import error_body
from tests.harness.upstream.record import Record
from tests.harness.upstream.refusals import NO_CHAT_MODEL, NO_RUN, PAGE, TOO_OLD, Reply, refusal_of
from tests.harness.upstream.runs import Run, Viewer
from tests.harness.upstream.script import BadScriptError, read
from tests.harness.upstream.servers import EMBEDDING, Call, call_at
from tests.workers.providers.dialects import DIALECTS

HOST = "127.0.0.1"
MAX_RECORDS = 10_000  # the oldest are dropped: a long benchmark must not fill the memory
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass
class Control:
    """The records, and the answers that a test may release."""

    api_key: str
    records: deque[Record] = field(default_factory=lambda: deque(maxlen=MAX_RECORDS))
    asked: Counter[str] = field(default_factory=Counter)  # by prompt
    latest: dict[str, Answer | Run] = field(default_factory=dict)  # by prompt
    runs: dict[str, Run] = field(default_factory=dict)  # by id
    count: int = 0

    def record(self, body: dict[str, Any], files: list[str], call: Call) -> Record:
        """Record a request."""
        self.count += 1
        prompt = prompt_of(body)
        self.asked[prompt] += 1
        name = f"{'resp_' if call.responses else 'chatcmpl-'}{self.count:029}"
        self.records.append(Record(name, prompt, body, call.target, call.key, time.time()))
        self.records[-1].files = files
        return self.records[-1]

    def record_of(self, run: Run, method: str, call: Call) -> None:
        """Record another request about a run."""
        self.count += 1
        prompt, now = run.record.prompt, time.time()
        self.records.append(Record(f"{self.count}", prompt, {}, call.target, call.key, now, method))
        self.records[-1].end(finished=True)

    def reply_to(self, method: str, path: str, prompt: str | None) -> Reply:
        """Return the reply to a test's request about one prompt, or about all."""
        match method, path:
            case "GET", "/control/requests":
                found = [asdict(each) for each in self.records if prompt in (None, each.prompt)]
                return Reply.of(200, found)
            case "DELETE", "/control/requests":
                kept = [each for each in self.records if prompt not in (None, each.prompt)]
                self.records = deque(kept, MAX_RECORDS)
                self.asked = Counter(each.prompt for each in kept if each.kind == "create")
                return Reply.of(200, None)
            case "DELETE", "/control/runs":
                self.runs = {at: run for at, run in self.runs.items() if run.record.prompt != prompt}
                return Reply.of(200, None)
            case "POST", "/control/releases" if prompt in self.latest:
                self.latest[prompt].release()
                return Reply.of(200, None)
        return Reply.of(404, error_body(404, "not_found", f"No {method} {path} for {prompt}."))


class Connection(asyncio.Protocol):
    """One connection: a request, its reply, the next request."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._received = b""
        self._answer: Answer | Viewer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Abort the answer under way."""
        if self._answer is not None:
            self._answer.abort()

    def data_received(self, data: bytes) -> None:
        """Reply to a request as soon as it is whole."""
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        match = LENGTH.search(head)
        length = int(match[1]) if match else 0
        if not end or len(rest) < length:
            return
        self._received = rest[length:]
        method, target, _ = head.decode("latin-1").split(" ", 2)
        url = urlsplit(target)
        if url.path.startswith("/control/"):
            prompt = parse_qs(url.query, keep_blank_values=True).get("prompt", [None])[0]
            self._send(self._control.reply_to(method, url.path, prompt))
        else:
            self._route(method, call_at(target, head, self._control.api_key), rest[:length])

    def _route(self, method: str, call: Call, body: bytes) -> None:
        if call.run and call.refusal is None:
            self._of_run(method, call)
            return
        record = self._control.record(*digested(json.loads(body)), call) if body else None
        if call.refusal is not None:
            self._end_with(record, call.refusal)
        elif record is None:
            rows = [
                {"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in call.models
            ]
            self._send(Reply.of(200, {"object": "list", "data": rows}))
        elif record.body.get("model") == EMBEDDING:
            self._end_with(record, NO_CHAT_MODEL)
        else:
            self._complete(record)

    def _of_run(self, method: str, call: Call) -> None:
        """Follow, return or cancel a run."""
        name, _, action = call.run[1:].partition("/")
        run = self._control.runs.get(name)
        if run is None:
            self._send(NO_RUN)
            return
        self._control.record_of(run, method, call)
        query = parse_qs(urlsplit(call.target).query)
        if action == "cancel":
            self._send(Reply.of(200, run.cancel()))
        elif "stream" not in query:
            self._send(Reply.of(200, run.response()))
        elif run.script.is_too_old:
            self._send(TOO_OLD)
        else:
            self._answer = Viewer(run, self._transport, self._end)
            run.follow(self._answer, int(query.get("starting_after", ["-1"])[0]))

    def _complete(self, record: Record) -> None:
        """Play the script, unless it is an error itself or cannot be read."""
        try:
            script, label = read(record.prompt)
        except BadScriptError as error:
            self._end_with(record, Reply.of(404, error_body(404, "model_not_found", str(error))))
            return
        script = script.on_request(self._control.asked[record.prompt])
        if refusal := refusal_of(script, record.body):
            self._end_with(record, refusal)
        elif script.fault == "html":
            self._end_with(record, PAGE)
        elif script.dialect:
            dialect = DIALECTS[script.dialect]
            self._end_with(record, Reply(dialect.status, dialect.body, dialect.all_headers))
        elif record.target.partition("?")[0].endswith("/responses"):
            run = self._control.runs[record.id] = Run(script, label, record)
            self._control.latest[record.prompt] = run
            self._answer = Viewer(run, self._transport, self._end)
            run.begin(self._answer)
        else:
            self._answer = Answer(script, label, record, self._transport, self._end)
            self._control.latest[record.prompt] = self._answer
            self._answer.advance()

    def _end(self) -> None:
        self._answer = None

    def _end_with(self, record: Record | None, reply: Reply) -> None:
        if record is not None:
            record.end(finished=True)
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        fields = {**reply.headers, "Content-Length": str(len(reply.content))}
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in fields.items())]
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.content)


def prompt_of(body: dict[str, Any]) -> str:
    """Return the text with the script: a model's name in brackets, or else the last message of the user."""
    model = str(body.get("model", ""))
    if model.startswith("["):
        return model
    messages = body.get("messages") or body.get("input") or []
    users = [message["content"] for message in messages if message.get("role") == "user"]
    return _text(users[-1]) if users else ""


def _text(content: Any) -> str:
    """Return the text of a message beside its images and files."""
    if not isinstance(content, list):
        return str(content)
    return "".join(part["text"] for part in content if "text" in part)


async def serve(port: int, api_key: str) -> None:
    """Listen on loopback until SIGTERM; print one JSON line when ready."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    control = Control(api_key)
    server = await loop.create_server(lambda: Connection(control), HOST, port, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "base_url": f"http://{HOST}:{port}/v1"}), flush=True)  # noqa: T201 - the ready line
    await stop.wait()
    server.close()
