"""Stored items: their ids, texts, data and files."""

from typing import Any
from uuid import UUID

import pytest

from chat.protocol.input_items import (
    DataPart,
    FilePart,
    asked,
    data_parts,
    file_parts,
    references,
    response_of,
    with_files,
    with_ids,
)
from tests.chat.protocol.test_inputs import CALL, DATA, FILE, HTTPS, IMAGE, RESULT, TEXT, message, stored

HEX = "0123456789ab7def8123456789abcdef"


def test_each_item_has_an_id_that_names_its_response_and_place() -> None:
    items = stored({"role": "user", "content": "a"}, CALL, RESULT, {"type": "reasoning"})
    ids = [item["id"] for item in with_ids(items, UUID(HEX))]
    assert ids == [f"msg_{HEX}_i0", f"fc_{HEX}_i1", f"fco_{HEX}_i2", f"rs_{HEX}_i3"]
    assert {response_of(each) for each in ids} == {UUID(HEX)}
    assert [item["id"] for item in with_ids(with_ids(items, UUID(int=0)), UUID(HEX))] == ids


@pytest.mark.parametrize("item_id", ["", "msg_1", f"msg_{HEX}", f"msg_{HEX}_i", f"msg_{HEX}_0\n"])
def test_another_id_names_no_response(item_id: str) -> None:
    assert response_of(item_id) is None
    assert response_of(f"msg_{HEX}_0") == UUID(HEX)


def test_references_are_found_at_their_places() -> None:
    assert references(stored(message(TEXT), {"id": "a"}, CALL, {"id": "b"})) == {1: "a", 3: "b"}


def test_the_users_texts_are_what_was_asked() -> None:
    items = stored(
        message(TEXT, role="developer"),
        message(TEXT | {"text": "How "}, IMAGE, TEXT | {"text": "deep?"}),
        message(TEXT, role="assistant"),
        message(IMAGE),
        CALL,
        RESULT | {"output": "x"},
        {"role": "user", "content": "And wide?"},
    )
    assert asked(items) == "How deep?\n\nAnd wide?"
    assert asked(stored(message(IMAGE))) == ""


BARE: dict[str, Any] = {"type": "input_file", "file_data": "AAAA"}


def test_data_is_found_with_its_path_and_replaced_by_a_file() -> None:
    picture = IMAGE | {"image_url": DATA}
    items = stored(
        message(TEXT, picture | {"detail": "low"}, IMAGE),
        RESULT | {"output": [FILE | {"filename": "a.png"}]},
        message(BARE | {"filename": "a.pdf"}, BARE, {"type": "input_image", "file_id": "file_9"}),
    )
    found = data_parts(items)
    assert found == [
        DataPart("input[0].content[1].image_url", DATA, is_image=True),
        DataPart("input[1].output[0].file_data", DATA, "a.png"),
        DataPart("input[2].content[0].file_data", "data:;base64,AAAA", "a.pdf"),
        DataPart("input[2].content[1].file_data", "data:;base64,AAAA"),
    ]
    replaced = with_files(items, {part.path: f"file_{place}" for place, part in enumerate(found)})
    assert data_parts(replaced) == []
    kept = {"type": "input_image", "detail": "low", "file_id": "file_0"}
    assert replaced[0]["content"] == [TEXT, kept, IMAGE]
    assert replaced[1]["output"] == [{"type": "input_file", "filename": "a.png", "file_id": "file_1"}]
    assert file_parts(replaced) == [
        FilePart("input[0].content[1].file_id", "file_0", is_image=True),
        FilePart("input[1].output[0].file_id", "file_1"),
        FilePart("input[2].content[0].file_id", "file_2"),
        FilePart("input[2].content[1].file_id", "file_3"),
        FilePart("input[2].content[2].file_id", "file_9", is_image=True),
    ]
    assert items[0]["content"][1]["image_url"] == DATA
    assert data_parts(stored(message(IMAGE, {"type": "input_file", "file_url": HTTPS}))) == []
