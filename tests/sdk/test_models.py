"""OpenAI's SDK for Python lists the models."""

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from chat.responses.model_catalog import DEMO
from tests.harness.stack import MODELS
from tests.sdk.judging import Judge


def test_the_catalog_is_the_list_of_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [*MODELS, DEMO]
    assert client.models.retrieve("scripted").id == "scripted"


async def test_the_asynchronous_sdk_lists_them(async_client: AsyncOpenAI) -> None:
    assert [model.id async for model in async_client.models.list()] == [*MODELS, DEMO]


def test_an_unknown_model_is_an_error_of_the_sdk(client: OpenAI, judge: Judge) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("none/such:one")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert refused.value.request_id == judge.last.request_id
