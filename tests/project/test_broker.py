"""The broker's transport takes what Celery sends, and no malformed message."""

from typing import Any

import pytest
from kombu import Connection

from project import broker
from project.celery import app
from tests.harness.broker import Broker
from tests.harness.waiting import deadline


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_it_is_that_of_celery(scheme: str) -> None:
    url = f"{scheme}://host?ssl_cert_reqs=required" if scheme == "rediss" else f"{scheme}://host"
    assert isinstance(Connection(url).transport, broker.Transport)


@pytest.mark.usefixtures("broker")
def test_a_message_that_is_no_json_does_not_hide_the_next(broker: Broker) -> None:
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.client.rpush("poison", "{not json")
        with connection.SimpleQueue("poison") as queue:
            queue.put({"readable": True})
            assert queue.get(timeout=deadline()).payload == {"readable": True}
            queue.clear()
