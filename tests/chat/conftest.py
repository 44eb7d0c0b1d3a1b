"""Parts of the web side: who asks, the layer and the log on a real Valkey, and a broker with a window."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from pytest_django import Settings

from chat import connection
from chat.layer import PipelinedChannelLayer
from chat.log import Log
from chat.models import Response
from tests.broker import Broker
from tests.chat.rows import stored


@pytest.fixture
def owner(db: None) -> User:
    """Who asks."""
    return User.objects.create_user("owner")


@pytest.fixture
def stranger(db: None) -> User:
    """Somebody else."""
    return User.objects.create_user("stranger")


@pytest.fixture
def response(owner: User) -> Response:
    """A queued response of the owner's, without a log."""
    return stored(owner)


@pytest.fixture
def static_root(settings: Settings, tmp_path: Path) -> None:
    """Nothing is collected for tests, and WhiteNoise warns of a directory that is not there."""
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
async def layer(redis_url: str) -> AsyncIterator[PipelinedChannelLayer]:
    """The channel layer on a real Valkey."""
    layer = get_channel_layer()
    yield layer
    await layer.flush()


@pytest.fixture
async def log(layer: PipelinedChannelLayer) -> Log:
    """The logs on a real Valkey, with the layer for their hints."""
    return Log(connection.client())


@pytest.fixture
def broker(redis_url: str, broker: Broker) -> Broker:
    """Celery's broker, with empty queues."""
    return broker
