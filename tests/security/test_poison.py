"""Messages that no worker can read: each is dropped with one line, and the worker continues with the next."""

import base64
import json
from typing import Any

from chat.transport.redis_keys import prefixed
from tests.harness.socket_client import visiting
from tests.harness.stack import Stack

BODY = base64.b64encode(json.dumps([["x"], {}, {}]).encode()).decode()
PROPERTIES = {"body_encoding": "base64", "delivery_tag": "t", "delivery_info": {}}
TASK = {"task": "workers.generate", "id": "i", "lang": "py"}


def message(**changes: Any) -> str:
    """A message with parts that are wrong."""
    right = {
        "body": BODY,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": TASK,
        "properties": PROPERTIES,
    }
    return json.dumps({**right, **changes})


DROPPED_HERE = 21
POISON: dict[str, str | bytes] = {
    "no JSON": "{not json",
    "no UTF-8": b"\xff\xfe\x00",
    "deep": "[" * 200_000,
    "nothing": "null",
    "a list": "[]",
    "a number": "1",
    "empty": "{}",
    "no properties": message(properties=None),
    "no tag": message(properties={"body_encoding": "base64"}),
    "no base64": message(body="ä"),
    "strange coding": message(properties={**PROPERTIES, "body_encoding": "rot13"}),
    "no headers": message(headers=None),
    "headers are a list": message(headers=["task"]),
    "no id": message(headers={"task": "workers.generate"}),
    "an id of a number": message(headers={**TASK, "id": 7}),
    "an unknown task": message(headers={**TASK, "task": "os.system"}),
    "pickle": message(**{"content-type": "application/x-python-serialize"}),
    "body is no triple": message(body=base64.b64encode(b"7").decode()),
    "body of wrong types": message(body=base64.b64encode(b"[7, 7, 7]").decode()),
    "strange times": message(headers={**TASK, "eta": "x", "expires": "y"}),
    "an expiry that is no time": message(headers={**TASK, "expires": {}}),
    "an eta that is no time": message(headers={**TASK, "eta": []}),
    "a name that is no text": message(headers={**TASK, "task": ["x"]}),
    "a tag that is no text": message(properties={**PROPERTIES, "delivery_tag": {}}),
    "strange limits": message(headers={**TASK, "timelimit": 3, "retries": "x"}),
    "too many limits": message(headers={**TASK, "timelimit": [1, 2, 3]}),
    "no uuid": message(),
}


async def test_the_workers_survive(stack: Stack) -> None:
    workers = [stack.processes[each] for each in ("worker1", "worker2")]
    pids = [worker.popen.pid for worker in workers]
    async with visiting(stack.url) as visitor:  # its messages come after the others
        for name, text in POISON.items():
            stack.redis("LPUSH", prefixed("responses"), text)
            assert (await visitor.answer("[words-1@60]"))[-1]["type"] == "response.completed", name
            assert all(worker.is_running for worker in workers), name
    assert stack.redis("LLEN", prefixed("responses")) == 0
    assert [worker.popen.pid for worker in workers] == pids
    lines = [line for worker in workers for line in worker.output().splitlines() if " is dropped: " in line]
    assert len(lines) >= DROPPED_HERE  # Celery itself refuses the others
