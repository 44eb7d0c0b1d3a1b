"""Excerpts of search results: the words in their text, the turn that has them, within bounds."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from chat.conversations import excerpts as module
from chat.conversations.excerpts import AFTER_CHARS, BEFORE_CHARS, excerpts
from chat.conversations.listing import list_page
from chat.conversations.search import NO_ID, parse_words
from chat.models import Conversation, Response
from tests.chat.rows import stored

LONG = "The wheel turns slowly. " * 20


def match_of(owner: User, search: str) -> Any:
    (line,) = list_page(owner.pk, search)["conversations"]
    return line.get("match")


@pytest.mark.django_db
def test_an_excerpt_is_the_text_around_the_first_match(owner: User) -> None:
    row = stored(owner, f"{LONG}Where is the MILL pond?\n\n{LONG}")
    match = match_of(owner, "mill")
    assert (match["response"], match["side"]) == (row.wire_id, "question")
    before, word, after = match["parts"]
    assert before.startswith("…")
    assert before.endswith("Where is the ")
    assert word == "MILL"
    assert after.startswith(" pond? The wheel turns")
    assert after.endswith("…")
    assert len("".join(match["parts"])) < BEFORE_CHARS + AFTER_CHARS + 4


@pytest.mark.django_db
def test_an_answer_is_searched_after_its_question(owner: User) -> None:
    stored(owner, "How deep?", output="Two metres at the mill, three at the Mill dam.")
    match = match_of(owner, "mill deep")
    assert (match["side"], match["parts"]) == ("question", ["How ", "deep", "?"])
    match = match_of(owner, "mill")
    assert match["side"] == "answer"
    assert match["parts"] == ["Two metres at the ", "mill", ", three at the ", "Mill", " dam."]


@pytest.mark.django_db
def test_a_turn_with_all_words_comes_before_an_earlier_one_with_some(owner: User) -> None:
    first = stored(owner, "The mill")
    both = stored(owner, "The mill pond", conversation=first.conversation, previous=first)
    assert match_of(owner, "pond mill")["response"] == both.wire_id
    assert match_of(owner, "mill")["response"] == first.wire_id


@pytest.mark.django_db
def test_a_match_in_the_title_alone_has_no_excerpt(owner: User) -> None:
    stored(owner, "Deep?", conversation=Conversation.objects.create(owner=owner, title="Mill pond"))
    assert match_of(owner, "mill") is None
    assert match_of(owner, "mill deep")["parts"] == ["", "Deep", "?"]


@pytest.mark.django_db
def test_a_page_of_excerpts_takes_two_more_queries_and_no_text_of_other_turns(
    owner: User, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        row = stored(owner, "mill")
        stored(owner, "mill again", conversation=row.conversation, previous=row)
    with django_assert_num_queries(4):
        found = list_page(owner.pk, "mill")["conversations"]
    assert len(found) == 5
    assert all(line["match"]["parts"] == ["", "mill", ""] for line in found)
    with django_assert_num_queries(0):
        assert excerpts(owner.pk, [], []) == {}


@pytest.mark.django_db
def test_text_beyond_the_searched_part_has_no_excerpt(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = stored(owner, "x" * 10_000 + " mill")
    Response.objects.filter(pk=row.pk).update(output="mill" + "y" * 100_000)
    assert match_of(owner, "mill")["side"] == "answer"


@given(st.text(max_size=300), st.text(min_size=1, max_size=20))
def test_any_text_gives_short_parts_of_which_the_odd_ones_are_found(text: str, search: str) -> None:
    words = parse_words(search) if search.strip() and search.isprintable() else ["a"]
    match = module._excerpt(words, NO_ID, text, "")
    if match is not None:
        assert len(match["parts"]) % 2 == 1
        assert len("".join(match["parts"])) <= BEFORE_CHARS + AFTER_CHARS + 2


@pytest.mark.django_db
def test_an_excerpt_is_of_the_side_with_more_of_the_words(owner: User) -> None:
    stored(owner, "row 55", output="reply 55")
    assert match_of(owner, "reply 55")["side"] == "answer"
