"""OpenAI's SDK for Python uploads, lists, reads, asks with and deletes files, under each server."""

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.harness.pictures import png
from tests.harness.upstream import text_of
from tests.harness.upstream.digests import digest_of
from tests.sdk.conftest import Api

TEXT = b"Lake Geneva: 310 m"


def test_a_file_from_its_upload_to_its_deletion(client: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.files.create(file=("lake.bin", b"\x00"), purpose="user_data")
    assert (refused.value.code, refused.value.param) == ("unsupported_file", "file")
    file = client.files.create(file=("lake.txt", TEXT), purpose="assistants")
    assert (file.filename, file.bytes, file.purpose) == ("lake.txt", len(TEXT), "assistants")
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == TEXT
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError) as missing:
        client.files.retrieve(file.id)
    assert (missing.value.code, missing.value.param) == ("file_not_found", "file_id")


async def test_the_asynchronous_sdk_lists_files_in_pages(async_client: AsyncOpenAI) -> None:
    contents = [b"first", b"second", b"third"]
    files = [
        await async_client.files.create(file=(f"{number}.txt", content), purpose="vision")
        for number, content in enumerate(contents)
    ]
    pages = async_client.files.list(purpose="vision", limit=2, order="asc")
    assert [file async for file in pages] == files
    latest = await async_client.files.list(limit=1)
    assert (latest.data, latest.has_more) == ([files[-1]], True)
    for file in files:
        await async_client.files.delete(file.id)


def test_a_question_names_a_file_which_then_stays(client: OpenAI, api: Api) -> None:
    picture, prompt = png(2), f"[words-3] {api.base_url} by id"
    file = client.files.create(file=("lake.png", picture), purpose="vision")
    parts: Any = [{"type": "input_text", "text": prompt}, {"type": "input_image", "file_id": file.id}]
    response = client.responses.create(model="scripted-vision", input=[{"role": "user", "content": parts}])
    assert response.output_text == text_of("words-3")
    [record] = [each for each in api.stack.upstream.requests() if each.prompt.startswith(prompt)]
    assert record.files == [digest_of("image/png", picture)]
    with pytest.raises(openai.ConflictError) as used:
        client.files.delete(file.id)
    assert used.value.code == "file_in_use"
    client.responses.delete(response.id)
    assert client.files.delete(file.id).deleted
