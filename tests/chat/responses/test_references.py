"""References: an item of the owner's is used again by its id, and no other."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import Response
from chat.protocol.errors import CommandError
from chat.protocol.input_items import with_ids
from chat.responses import references
from chat.responses.references import MAX_REFERENCED_BYTES, PAGE_ROWS, resolved
from tests.chat.rows import answer, question, stored

pytestmark = pytest.mark.django_db


def answered(owner: User, text: str = "Two metres.") -> Response:
    """A response with items that have ids."""
    row = stored(owner)
    row.input = with_ids(row.input, row.pk)
    row.items = [answer(text) | {"id": f"msg_{row.pk.hex}_0"}]
    row.save()
    return row


def named(*ids: str) -> list[dict[str, Any]]:
    return [{"type": "item_reference", "id": each} for each in ids]


def refused(owner: User, *items: dict[str, Any]) -> tuple[str, str | None]:
    with pytest.raises(CommandError) as error:
        resolved(owner.pk, list(items))
    return error.value.code, error.value.param


def test_a_reference_becomes_the_item_of_an_input_or_an_output(owner: User) -> None:
    row, other = answered(owner), answered(owner, "Three.")
    ids = [row.input[0]["id"], row.items[0]["id"], other.items[0]["id"]]
    found = resolved(owner.pk, [*named(*ids), question("And wide?")])
    assert found == [row.input[0], row.items[0], other.items[0], question("And wide?")]
    assert [item["id"] for item in with_ids(found, other.pk)] == [
        f"msg_{other.pk.hex}_i{n}" for n in range(4)
    ]


def test_an_item_of_a_servers_tool_is_found_and_left_out_as_no_prompt_has_it(owner: User) -> None:
    row = answered(owner)
    search: Any = {"type": "web_search_call", "id": f"ws_{row.pk.hex}_1", "status": "completed"}
    row.items = [*row.items, search]
    row.save()
    assert resolved(owner.pk, [*named(search["id"]), question("And wide?")]) == [question("And wide?")]


def test_an_input_without_references_takes_no_query(owner: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert resolved(owner.pk, [question("a")]) == [question("a")]


def test_many_references_take_one_query_for_each_page(owner: User, django_assert_num_queries: Any) -> None:
    ids = [answered(owner).items[0]["id"] for _ in range(PAGE_ROWS + 1)]
    with django_assert_num_queries(2):
        assert len(resolved(owner.pk, named(*ids, *ids))) == 2 * PAGE_ROWS + 2


def test_items_of_others_and_of_deleted_conversations_are_not_found(owner: User, stranger: User) -> None:
    row = answered(owner)
    item_id = row.items[0]["id"]
    unknown = [f"msg_{row.pk.hex}_7", f"msg_{'0' * 32}_0", "msg_1", ""]
    for each in unknown:
        assert refused(owner, question("a"), *named(each)) == ("item_not_found", "input[1].id")
    assert refused(stranger, *named(item_id)) == ("item_not_found", "input[0].id")
    row.conversation.deleted_at = timezone.now()
    row.conversation.save()
    assert refused(owner, *named(item_id)) == ("item_not_found", "input[0].id")


def test_referenced_items_have_a_bound_together(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    half = "x" * (MAX_REFERENCED_BYTES // 2 - 500)
    item_id = answered(owner, half).items[0]["id"]
    assert len(resolved(owner.pk, named(item_id, item_id))) == 2
    assert refused(owner, *named(item_id, item_id, item_id)) == ("input_too_long", "input[2].id")
    others = [answered(owner, half).items[0]["id"] for _ in range(3)]
    monkeypatch.setattr(references, "PAGE_ROWS", 1)
    assert refused(owner, *named(*others)) == ("input_too_long", "input")
