"""The search: what it finds, for whom, and how much text it reads."""

import pytest
from django.contrib.auth.models import User

from chat.conversations import search
from chat.conversations.listing import list_page
from chat.conversations.search import MAX_SEARCH_CHARS, MAX_WORD_CHARS, MAX_WORDS, containing, parse_words
from chat.models import Conversation
from chat.protocol.errors import CommandError
from tests.chat.plans import planned_by_sqlite
from tests.chat.rows import stored

pytestmark = pytest.mark.django_db


def conversation(owner: User, title: str = "") -> Conversation:
    return Conversation.objects.create(owner=owner, title=title)


def titles(owner: User, search: str) -> list[str]:
    return [line["title"] for line in list_page(owner.pk, search)["conversations"]]


FOUND = ["straße", "STRASSE 7", "Ärger", "ärger", "100%", "a.b", 'say "hi"', "two\nlines", "under_score"]


@pytest.mark.parametrize("words", FOUND)
@pytest.mark.parametrize("place", ["title", "input", "output"])
def test_a_search_finds_words_in_titles_questions_and_answers(owner: User, words: str, place: str) -> None:
    row = conversation(owner, f"x {words} y" if place == "title" else "")
    asked = f"x {words} y" if place == "input" else "?"
    stored(owner, asked, conversation=row, output=f"x {words} y" if place == "output" else "")
    stored(owner, "something else", output="entirely", conversation=conversation(owner, "unlike"))
    found = list_page(owner.pk, words if "ß" in words else words.upper())
    assert [line["id"] for line in found["conversations"]] == [row.wire_id]


def test_every_word_must_be_in_the_title_or_in_a_text(owner: User) -> None:
    row = conversation(owner, "Lakes")
    stored(owner, "How deep?", conversation=row, output="Two metres.")
    assert titles(owner, "lake metres deep") == ["Lakes"]
    assert titles(owner, "lake metres shallow") == []


@pytest.mark.parametrize("search", ["role", "content", ".*", "a|b", "%", "_", "\\"])
def test_a_search_has_no_wildcards_and_ignores_structure(owner: User, search: str) -> None:
    stored(owner, "How deep is it?", conversation=conversation(owner), output="Two metres")
    assert titles(owner, search) == []


def test_a_search_finds_nothing_of_other_owners(owner: User, stranger: User) -> None:
    stored(stranger, "secret", conversation=conversation(stranger, "secret"))
    assert titles(owner, "secret") == []


@pytest.mark.parametrize("place", ["input", "output"])
def test_a_search_reads_the_beginnings_of_texts(
    owner: User, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_TEXT_CHARS", 8)
    asked, output = ("123 mill river", "") if place == "input" else ("", "123 mill river")
    stored(owner, asked, output=output, conversation=conversation(owner, "Water"))
    assert titles(owner, "mill") == ["Water"]
    assert titles(owner, "river") == []


def test_a_search_reads_the_latest_texts_and_all_titles(
    owner: User, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_RESPONSES", 2)
    for title in ("old", "newer", "newest"):
        stored(owner, "mill", conversation=conversation(owner, title))
        stored(stranger, "mill", conversation=conversation(stranger))
    assert titles(owner, "mill") == ["newest", "newer"]
    assert titles(owner, "old") == ["old"]


@planned_by_sqlite
def test_a_search_reads_the_responses_of_each_conversation_and_no_others(owner: User) -> None:
    plan = Conversation.objects.filter(containing(owner.pk, ["mill"])).explain()
    assert "USING INDEX response_by_conversation (conversation_id=?)" in plan
    assert "USING INDEX response_listed (owner_id=?)" in plan  # however many programs have asked


def test_the_words_of_a_search_are_bounded_in_number_and_length() -> None:
    assert len(parse_words("x " * (MAX_WORDS + 1))) == MAX_WORDS
    assert parse_words("x" * (MAX_WORD_CHARS + 1)) == ["x" * MAX_WORD_CHARS]


@pytest.mark.parametrize("bad", ["x" * (MAX_SEARCH_CHARS + 1), "a\x00b", "\ud800"])
def test_an_invalid_search_is_refused(owner: User, bad: str) -> None:
    with pytest.raises(CommandError) as refused:
        list_page(owner.pk, bad)
    assert (refused.value.code, refused.value.param) == ("invalid_field", "search")
