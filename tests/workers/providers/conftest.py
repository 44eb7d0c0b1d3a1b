"""The providers, and the end of their connections."""

from collections.abc import AsyncIterator

import pytest

from workers.providers.openai_compatible import Provider


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    yield provider
    await provider.close()
