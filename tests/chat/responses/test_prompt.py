"""The prompt: the path from the root of the tree to a response."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from chat.file_models import File
from chat.models import OF_THE_QUESTION, Conversation, Response, Status
from chat.responses import prompt as module
from chat.responses.attachments import TOKENS_PER_IMAGE, TOKENS_PER_PDF
from chat.responses.prompt import (
    DEFAULT_CONTEXT,
    PAGE_TURNS,
    fitting,
    prompt,
    tokens,
)
from tests.chat.protocol.test_inputs import HTTPS
from tests.chat.protocol.test_options import TOOL
from tests.chat.rows import answer, question, stored
from tests.chat.stored_files import kept


def test_the_prompt_is_the_path_from_the_root_without_the_branches_beside_it(owner: User) -> None:
    root = stored(owner, "one", output="1")
    shared: dict[str, Any] = {"conversation": root.conversation}
    stored(owner, "a branch", output="x", previous=root, **shared)
    middle = stored(owner, "two", output="2", previous=root, **shared)
    leaf = stored(owner, "three", previous=middle, **shared, instructions="Be brief.")
    stored(owner, "elsewhere", output="y")
    assert prompt(leaf).messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "three"},
    ]


@pytest.mark.parametrize(
    "ended",
    [
        {"status": Status.CANCELLED},
        {"status": Status.FAILED, "error_code": "upstream_unreachable"},
        {"status": Status.INCOMPLETE, "incomplete_reason": "max_output_tokens"},
    ],
)
def test_a_question_that_was_stopped_or_has_failed_belongs_to_the_talk(
    owner: User, ended: dict[str, Any]
) -> None:
    root = stored(owner, "one", output="1")
    stopped = stored(owner, "two", previous=root, conversation=root.conversation, **ended)
    leaf = stored(owner, "try again, shorter", previous=stopped, conversation=root.conversation)
    assert prompt(leaf).messages == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "two\n\ntry again, shorter"},  # roles alternate
    ]


def test_the_messages_of_one_input_stay_as_a_program_sent_them(owner: User) -> None:
    items = [question("one"), question("two"), answer("2"), question("three"), question("four")]
    texts = [part["content"] for part in prompt(stored(owner, input=items)).messages]
    assert texts == ["one", "two", "2", "three", "four"]
    stopped = stored(owner, input=items, status=Status.CANCELLED)
    leaf = stored(owner, input=items[3:], previous=stopped, conversation=stopped.conversation)
    texts = [part["content"] for part in prompt(leaf).messages]
    assert texts == ["one", "two", "2", "three", "four\n\nthree", "four"]


@pytest.mark.parametrize(
    "ended",
    [
        {"status": Status.IN_PROGRESS},
        {"status": Status.QUEUED},
        {"status": Status.INCOMPLETE, "incomplete_reason": "content_filter"},
        *({"status": Status.FAILED, "error_code": code} for code in OF_THE_QUESTION),
    ],
)
def test_a_question_that_runs_or_would_fail_again_does_not(owner: User, ended: dict[str, Any]) -> None:
    root = stored(owner, "one", output="1")
    failed = stored(owner, "two", previous=root, conversation=root.conversation, **ended)
    leaf = stored(owner, "three", previous=failed, conversation=root.conversation)
    assert [message["content"] for message in prompt(leaf).messages] == ["one", "1", "three"]


def test_the_results_of_a_turn_without_an_answer_are_not_sent_twice(owner: User) -> None:
    row = loop(owner, ([question("a")], [call("1")]), ([result("1"), question("b")], []))
    row.status = Status.FAILED
    row.save()
    again = stored(owner, input=[result("1")], previous=row, conversation=row.conversation)
    assert [message["role"] for message in prompt(again).messages] == ["user", "assistant", "tool"]
    went_on = stored(owner, "c", previous=row, conversation=row.conversation)
    assert prompt(went_on).messages == [{"role": "user", "content": "a\n\nc"}]


@pytest.mark.parametrize("code", ["worker_lost", "worker_error"])
def test_a_question_that_may_have_killed_workers_is_in_no_later_prompt(owner: User, code: str) -> None:
    killer = stored(owner, "killer", status=Status.FAILED, error_code=code)
    leaf = stored(owner, "next", previous=killer, conversation=killer.conversation)
    assert prompt(leaf).messages == [{"role": "user", "content": "next"}]


def test_the_prompt_of_a_few_turns_takes_three_queries(owner: User, django_assert_num_queries: Any) -> None:
    row = stored(owner, "0", output="0")
    for turn in range(5):
        row = stored(owner, str(turn), output="x", previous=row, conversation=row.conversation)
    with django_assert_num_queries(3):
        assert len(prompt(row).messages) == 11


def talk(owner: User, *texts: str, **fields: Any) -> Response:
    """A conversation whose answers are as long as its questions; the last text is the newest question."""
    row = None
    for text in texts:
        shared: dict[str, Any] = {"conversation": row.conversation, "previous": row} if row else {}
        row = stored(owner, text, output=text.upper(), **shared, **fields)
    assert row is not None
    return row


def contents(row: Response, context: int | None, limit: int | None = None) -> list[str]:
    return [message["content"] for message in prompt(row, context, limit).messages]


def test_the_oldest_turns_that_do_not_fit_are_left_out(owner: User) -> None:
    row = talk(owner, "a" * 300, "b" * 300, "c" * 300, "new")
    whole = contents(row, None)
    turn = tokens([{"content": "a" * 300}] * 2)
    new = tokens([{"content": "new"}])
    assert contents(row, 3 * turn + new + 40, 40) == whole
    assert contents(row, 3 * turn + new + 39, 40) == whole[2:]
    assert contents(row, turn + new + 40, 40) == whole[4:]
    assert prompt(row, turn + new + 40, 40).omitted_turns == 2


@pytest.mark.parametrize("context", [0, 1, 100])
def test_instructions_and_the_newest_input_stay_in_any_context(owner: User, context: int) -> None:
    row = talk(owner, "a" * 3000, "n" * 3000, instructions="Be brief.")
    assert contents(row, context) == ["Be brief.", "n" * 3000]
    assert prompt(row, context).omitted_turns == 1


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_and_developer_messages_of_omitted_turns_stay_and_are_counted(owner: User, role: str) -> None:
    asked = [question("s" * 300, role), question("a" * 300)]
    root = stored(owner, "", input=asked, output="A" * 300, instructions="Old.")
    shared: dict[str, Any] = {"conversation": root.conversation, "instructions": "Be brief."}
    middle = stored(owner, "b", output="B", previous=root, **shared)
    row = stored(owner, "new", previous=middle, **shared)
    needed = tokens([{"content": text} for text in ("Be brief.", "s" * 300, "b", "B", "new")])
    assert contents(row, needed + 10, 10) == ["Be brief.", "s" * 300, "b", "B", "new"]
    assert contents(row, needed + 9, 10) == ["Be brief.", "s" * 300, "new"]
    whole = needed + tokens([{"content": "a" * 300}] * 2)
    assert contents(row, whole + 10, 10) == contents(row, None)
    assert prompt(row, whole + 9, 10).omitted_turns == 1


def test_no_turn_is_left_out_between_others(owner: User) -> None:
    row = talk(owner, "a", "b" * 3000, "c", "new")
    assert contents(row, 400) == ["c", "C", "new"]
    assert prompt(row, 400).omitted_turns == 2


def test_a_quarter_of_the_context_at_most_is_kept_for_the_answer(owner: User) -> None:
    row = talk(owner, "a" * 300, "new")
    needed = tokens([{"content": "a" * 300}] * 2 + [{"content": "new"}])
    context = 4 * needed // 3 + 4
    assert len(contents(row, context, 1_000_000)) == len(contents(row, context)) == 3
    assert len(contents(row, context - 8)) == 1
    assert len(contents(row, context - 8, 10)) == 3


def test_turns_that_do_not_belong_to_the_prompt_are_not_counted(owner: User) -> None:
    root = stored(owner, "a" * 3000, status=Status.FAILED, error_code="context_length_exceeded")
    row = stored(owner, "new", previous=root, conversation=root.conversation)
    assert prompt(row, 100).omitted_turns == 0


def test_tokens_are_counted_by_bytes() -> None:
    assert tokens([{"content": "\N{CJK UNIFIED IDEOGRAPH-6C34}" * 30}]) == tokens([{"content": "a" * 90}])
    assert tokens([{"content": "a" * 90}]) >= 30


@given(st.lists(st.integers(0, 50)), st.integers(-5, 200))
def test_as_many_turns_as_fit_are_kept(sizes: list[int], room: int) -> None:
    kept = fitting(sizes, room)
    assert kept == 0 or sum(sizes[:kept]) <= room
    assert kept == len(sizes) or sum(sizes[: kept + 1]) > room


def long_talk(owner: User, turns: int, text: str, **fields: Any) -> Response:
    """A conversation of many turns; the newest question has no answer."""
    conversation = Conversation.objects.create(owner=owner)
    rows: list[Response] = []
    for number in range(turns):
        row = Response(
            conversation=conversation,
            owner=owner,
            previous=rows[-1] if rows else None,
            model="demo-count",
            input=[question(f"{number} {text}")],
            items=[answer(text)],
            answered=True,
        )
        rows.append(row)
    Response.objects.bulk_create(rows, 500)
    return stored(owner, "new", conversation=conversation, previous=rows[-1], **fields)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of turns whose text was read, by query."""
    counts: list[int] = []
    rows = module._rows

    def counted(ids: list[UUID]) -> list[Response]:
        counts.append(len(ids))
        return rows(ids)

    monkeypatch.setattr(module, "_rows", counted)
    return counts


def test_of_a_long_conversation_only_what_fits_is_read(owner: User, read: list[int]) -> None:
    row = long_talk(owner, 1_000, "x" * 3_000)
    asked = prompt(row)
    assert tokens(asked.messages) <= DEFAULT_CONTEXT
    kept = len(asked.messages) // 2
    assert asked.omitted_turns == 1_000 - kept > 900
    assert sum(read) <= kept + PAGE_TURNS
    assert asked.messages[-2]["content"] == "x" * 3_000


def test_long_turns_are_read_in_pages_of_bounded_bytes(owner: User, read: list[int]) -> None:
    assert prompt(long_talk(owner, 60, "x" * 400_000)).omitted_turns == 60
    assert read[0] == 1
    assert sum(read) <= 2  # one more is asked for its calls


def test_long_inputs_with_system_messages_are_read_as_far_as_they_fit(owner: User, read: list[int]) -> None:
    row = long_talk(owner, 60, "x")
    long = [question("s" * 900_000, "system")]
    Response.objects.exclude(pk=row.pk).update(input=long)
    assert prompt(row).omitted_turns == 60
    assert sum(read) <= 3


def test_the_text_of_other_branches_is_not_read(owner: User, read: list[int]) -> None:
    row = long_talk(owner, 3, "path")
    for number in range(200):
        stored(owner, f"branch {number}", output="x", previous=row.previous, conversation=row.conversation)
    assert len(prompt(row).messages) == 7
    assert sum(read) == 3


def test_an_unknown_context_has_a_bound(owner: User) -> None:
    row = talk(owner, "a" * 120_000, "b" * 120_000, "new")
    assert contents(row, None) == ["b" * 120_000, "B" * 120_000, "new"]


def test_system_messages_of_many_omitted_turns_have_a_bound(owner: User) -> None:
    row = long_talk(owner, 300, "x")
    Response.objects.exclude(pk=row.pk).update(input=[question("s" * 3_000, "system")])
    asked = prompt(row, 8_192)
    assert tokens(asked.messages) <= 8_192
    assert asked.messages[0]["content"] == "s" * 3_000


def test_a_prompt_takes_two_queries_for_each_page(owner: User, django_assert_max_num_queries: Any) -> None:
    row = long_talk(owner, 400, "x")
    with django_assert_max_num_queries(2 + 2 * 400 // PAGE_TURNS):
        assert len(prompt(row).messages) == 801


def call(call_id: str, arguments: str = "{}", **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": arguments} | fields


def result(call_id: str, output: str = "1") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def asked(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    """The message with a call."""
    function = {"name": "f", "arguments": arguments}
    calls = [{"id": call_id, "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def loop(owner: User, *steps: tuple[list[dict[str, Any]], list[dict[str, Any]]], **fields: Any) -> Response:
    """A conversation of an agent, of inputs and outputs; the last output is not there yet."""
    row = None
    for asked_, items in steps:
        shared: dict[str, Any] = {"conversation": row.conversation, "previous": row} if row else {}
        row = stored(owner, input=asked_, items=items, **shared, **fields)
    assert row is not None
    return row


def test_calls_and_their_results_of_earlier_turns_are_in_the_prompt(owner: User) -> None:
    reasoning = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    row = loop(
        owner,
        ([question("How deep?")], [reasoning, call("a")]),
        ([result("a")], [answer("One metre.")]),
        ([question("And wide?")], []),
    )
    assert prompt(row).messages == [
        {"role": "user", "content": "How deep?"},
        asked("a"),
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "assistant", "content": "One metre."},
        {"role": "user", "content": "And wide?"},
    ]


def test_an_answered_turn_is_one_with_a_call_alone(owner: User) -> None:
    row = loop(owner, ([question("a")], [call("a")]), ([result("a")], []))
    assert row.previous is not None
    row.previous.answered = False
    row.previous.save()
    assert [message["role"] for message in prompt(row).messages] == ["tool"]


LONG = "x" * 900


def test_a_call_stays_whose_result_is_in_a_later_turn(owner: User) -> None:
    row = loop(
        owner,
        ([question(LONG)], [answer(LONG), call("old"), call("a")]),
        ([result("a", LONG)], [call("b")]),
        ([result("b")], []),
    )
    kept = [{"role": "tool", "tool_call_id": "a", "content": LONG}, asked("b")]
    newest = {"role": "tool", "tool_call_id": "b", "content": "1"}
    needed = tokens([asked("a"), *kept, newest]) + 10
    assert prompt(row, needed, 10).messages == [asked("a"), *kept, newest]
    assert prompt(row, needed, 10).omitted_turns == 1
    assert prompt(row, needed - 1, 10).messages == [asked("b"), newest]
    assert prompt(row, 1).messages == [asked("b"), newest]
    assert prompt(row, 1).omitted_turns == 2
    assert prompt(row).omitted_turns == 0


def test_no_result_in_a_prompt_is_without_its_call(owner: User) -> None:
    steps = [([result(str(n), "r" * 50 * n)], [call(str(n + 1), "c" * 40 * n)]) for n in range(1, 8)]
    row = loop(owner, ([question(LONG)], [call("1")]), *steps, ([result("8")], []))
    omitted = set()
    for context in range(0, 2_000, 10):
        found = prompt(row, context, 1)
        names = [each["id"] for m in found.messages for each in m.get("tool_calls", ())]
        assert [m["tool_call_id"] for m in found.messages if m["role"] == "tool"] == names
        assert found.omitted_turns == 8 or tokens(found.messages) <= context
        omitted.add(found.omitted_turns)
    assert omitted == {0, *omitted} > {0, 8}


def test_a_result_without_any_call_is_the_clients_error(owner: User) -> None:
    row = loop(owner, ([question(LONG)], [answer("1")]), ([result("z")], []))
    assert [message["role"] for message in prompt(row, 100).messages] == ["tool"]


def test_images_files_and_calls_have_a_size() -> None:
    image = {"type": "image_url", "image_url": {"url": HTTPS}}
    file = {"type": "file", "file": {"file_data": "x"}}
    empty = tokens([{"content": ""}])
    text = {"type": "text", "text": LONG}
    assert tokens([{"content": [text, image, image]}]) == tokens([{"content": LONG}]) + 2 * TOKENS_PER_IMAGE
    assert tokens([{"content": [file]}]) == empty + TOKENS_PER_PDF
    text_file = {"type": "file", "file": {"file_data": "data:text/plain;base64," + "a" * 4_000}}
    assert tokens([{"content": [text_file]}]) == empty + 3_000 // 3
    assert tokens([asked("a", LONG)]) > empty + 300


def named(*files: File) -> dict[str, Any]:
    parts = [{"type": "input_file", "file_id": file.wire_id} for file in files]
    return {"type": "message", "role": "user", "content": parts}


@pytest.mark.usefixtures("folder")
def test_a_text_file_takes_as_much_room_as_its_text(owner: User) -> None:
    file = kept(owner, b"a" * 3_000)
    row = loop(owner, ([named(file)], [answer("b")]), ([question("c")], []))
    assert prompt(row, 1_100, 10).omitted_turns == 0
    assert prompt(row, 1_000, 10).omitted_turns == 1


@pytest.mark.usefixtures("folder")
def test_the_files_of_a_page_are_searched_by_one_query(owner: User, django_assert_num_queries: Any) -> None:
    files = [kept(owner, bytes([65 + number]) * 30) for number in range(6)]
    turns = [([named(file)], [answer("b")]) for file in files[:5]]
    plain = loop(owner, *[([question("a")], [answer("b")])] * 5, ([question("c")], []))
    row = loop(owner, *turns, ([named(files[5])], []))
    with django_assert_num_queries(3):
        prompt(plain)
    with django_assert_num_queries(5):  # and the newest question's
        prompt(row)


def test_calls_without_a_result_are_left_out_of_later_prompts(owner: User) -> None:
    row = loop(owner, ([question("a")], [call("1"), call("2")]), ([result("1"), question("b")], []))
    assert [message["role"] for message in prompt(row).messages] == ["user", "assistant", "tool", "user"]
    assert [each["id"] for each in prompt(row).messages[1]["tool_calls"]] == ["1"]
    row = loop(owner, ([question("a")], [call("1")]), ([question("b")], []))
    assert prompt(row).messages == [{"role": "user", "content": "a\n\nb"}]


def test_messages_of_programs_may_lack_fields_and_have_other_parts() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": LONG}}
    own = {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": LONG}}
    empty, text = tokens([{"role": "user", "content": ""}]), tokens([{"content": LONG}])
    assert tokens([{"role": "assistant", "tool_calls": [call]}]) == tokens([asked("a", LONG)])
    assert tokens([{"role": "assistant", "tool_calls": [own]}]) > text
    assert tokens([{"role": "assistant", "content": "", "tool_calls": None}]) == empty
    assert tokens([{"content": [{"type": "refusal", "refusal": LONG}]}]) == text
    audio = {"type": "input_audio", "input_audio": {"data": "x"}}
    assert tokens([{"content": [audio]}]) == empty + TOKENS_PER_PDF


def test_an_image_takes_the_room_of_turns(owner: User) -> None:
    picture = {"type": "input_image", "image_url": HTTPS}
    given = {"type": "message", "role": "user", "content": [picture]}
    row = loop(owner, ([question("a")], [answer("b")]), ([given], []))
    assert prompt(row, TOKENS_PER_IMAGE + 100, 10).omitted_turns == 0
    assert prompt(row, TOKENS_PER_IMAGE, 10).omitted_turns == 1


def test_tools_take_the_room_of_turns(owner: User) -> None:
    row = talk(owner, "a" * 300, "new")
    needed = tokens(prompt(row).messages) + 10
    assert prompt(row, needed, 10).omitted_turns == 0
    row.request = {"tools": [TOOL]}
    assert prompt(row, needed, 10).omitted_turns == 1
    assert prompt(row, needed + 100, 10).omitted_turns == 0
