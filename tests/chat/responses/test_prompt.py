"""The prompt: the path from the root of the tree to a response."""

from typing import Any

from django.contrib.auth.models import User

from chat.models import Status
from chat.responses.prompt import prompt
from tests.chat.rows import stored


def test_the_prompt_is_the_path_from_the_root_without_the_branches_beside_it(owner: User) -> None:
    root = stored(owner, "one", output="1")
    shared: dict[str, Any] = {"conversation": root.conversation}
    stored(owner, "a branch", output="x", previous=root, **shared)
    middle = stored(owner, "two", output="2", previous=root, **shared)
    leaf = stored(owner, "three", previous=middle, **shared, instructions="Be brief.")
    stored(owner, "elsewhere", output="y")
    assert prompt(leaf) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "three"},
    ]


def test_the_prompt_leaves_out_turns_without_output(owner: User) -> None:
    root = stored(owner, "one", output="1")
    failed = stored(owner, "two", previous=root, conversation=root.conversation, status=Status.FAILED)
    leaf = stored(owner, "two again", previous=failed, conversation=root.conversation)
    assert [message["content"] for message in prompt(leaf)] == ["one", "1", "two again"]


def test_the_prompt_takes_one_query_however_long_the_way(owner: User, django_assert_num_queries: Any) -> None:
    row = stored(owner, "0", output="0")
    for turn in range(5):
        row = stored(owner, str(turn), output="x", previous=row, conversation=row.conversation)
    with django_assert_num_queries(1):
        assert len(prompt(row)) == 11
