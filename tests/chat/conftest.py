"""Parts of the web side: who asks, the layer and the log on a real Valkey, and a readable broker."""

from collections.abc import AsyncIterator

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User

from chat.models import Response
from chat.transport import notifications, redis_client
from chat.transport.channel_layer import PipelinedChannelLayer
from chat.transport.event_log import Log
from tests.chat.rows import stored
from tests.harness.broker import Broker


@pytest.fixture
def stranger(db: None) -> User:
    """Another user."""
    return User.objects.create_user("stranger")


@pytest.fixture
def response(owner: User) -> Response:
    """A queued response of the owner's, without a log."""
    return stored(owner)


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice the absence of Redis at once: without a second try."""
    monkeypatch.setattr(redis_client, "RETRIES", 0)
    monkeypatch.setattr(notifications, "NOTIFY_SECS", 0.05)


@pytest.fixture
async def layer(redis_url: str) -> AsyncIterator[PipelinedChannelLayer]:
    """The channel layer on a real Valkey."""
    layer = get_channel_layer()
    yield layer
    await layer.flush()


@pytest.fixture
async def log(layer: PipelinedChannelLayer) -> Log:
    """The logs on a real Valkey, with the layer for their notifications."""
    return Log(redis_client.client())


@pytest.fixture
def broker(redis_url: str, broker: Broker) -> Broker:
    """Celery's broker, with empty queues."""
    return broker
