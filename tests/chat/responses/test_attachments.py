"""Files of a question: stored once from data, and loaded into a prompt as far as one may have."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from chat.file_models import File
from chat.files.claiming import most_prompt_bytes
from chat.protocol.errors import CommandError
from chat.protocol.messages import MISSING, OMITTED, STORED
from chat.responses.attachments import MAX_DATA_PARTS, attached, file_tokens, loaded
from tests.chat.contents import PDF, PNG, TEXT
from tests.chat.stored_files import contents, kept

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]

JPEG_HEAD = b"\xff\xd8\xff"


def data_of(text: str) -> dict[str, Any]:
    return {"type": "input_file", "file_data": f"data:text/plain;base64,{text}"}


def asked(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "message", "role": "user", "content": list(parts)}]


def named(*rows: File) -> dict[str, Any]:
    """A message of a prompt."""
    parts = [{"type": "file", "file": {"file_data": f"{STORED}{row.wire_id}"}} for row in rows]
    return {"role": "user", "content": parts}


def test_the_same_data_is_stored_once_by_one_transaction(
    owner: User, folder: Path, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(20):
        items = attached(owner, asked(*[data_of("YWE=")] * MAX_DATA_PARTS))
    assert contents(folder) == [b"aa"]
    assert {part["file_id"] for part in items[0]["content"]} == {File.objects.get().wire_id}


def test_beyond_its_data_parts_a_question_is_refused_and_nothing_is_stored(owner: User) -> None:
    with pytest.raises(CommandError) as refused:
        attached(owner, asked(*[data_of("YWE=")] * (MAX_DATA_PARTS + 1)))
    assert refused.value.code == "too_large_together"
    assert refused.value.param == f"input[0].content[{MAX_DATA_PARTS}].file_data"
    assert not File.objects.exists()


def test_a_prompt_has_the_newest_files_as_far_as_one_may_have(owner: User, settings: Settings) -> None:
    settings.TAILRACE_FILE_MIB = 1
    old, middle, new = (kept(owner, byte * 900_000) for byte in (b"a", b"b", b"c"))
    assert 2 * old.size < most_prompt_bytes() < 3 * old.size
    gone = named(File(pk=old.pk.__class__(int=7)))
    messages = loaded(owner.pk, [named(old), gone, named(middle), named(new)])
    assert [message["content"] for message in messages] == [
        OMITTED["text"],
        MISSING["text"],
        *(f"File depths.txt:\n\n{char * 900_000}" for char in "bc"),
    ]
    twice = loaded(owner.pk, [named(old), named(new, new)])
    assert twice[0]["content"] == OMITTED["text"]


def test_the_tokens_of_a_file_are_those_of_its_kind(owner: User) -> None:
    picture, document, text = kept(owner, PNG), kept(owner, PDF), kept(owner, TEXT, size=30_000)
    found = file_tokens(owner.pk, [row.wire_id for row in (picture, document, text)])
    assert found == {picture.wire_id: 1_000, document.wire_id: 5_000, text.wire_id: 10_000}
