"""The rows: a transition happens once, and the prompt is the way from the root of the tree."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection

from chat.models import Conversation, Response, Status
from chat.protocol.composer import Ending, finish
from chat.protocol.events import Terminal
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from tests.chat.rows import stored
from tests.harness.waiting import deadline
from tests.harness.writer import Writer


def ended(row: Response, ending: Ending, text: str = "Two metres.", reasoning: str = "") -> Terminal:
    """The end of an answer to the row."""
    writer = Writer(ResponseState(response_object(row)))
    writer.add(text, reasoning)
    return finish(writer.state, ending)[1]


@pytest.mark.django_db
@pytest.mark.parametrize("behind_secs", [0, 1, 90])
def test_the_row_names_the_second_of_the_end_that_its_clients_read(
    response: Response, behind_secs: int
) -> None:
    terminal = ended(response, Ending("completed", at=time.time() - behind_secs))
    assert Response.objects.finish(terminal)
    response.refresh_from_db()
    assert response_object(response)["completed_at"] == terminal.response["completed_at"]


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_claims_the_response(response: Response) -> None:
    both = threading.Barrier(2)

    def claim(worker: str) -> bool:
        try:
            both.wait(deadline())
            return Response.objects.claim(response.wire_id, worker) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as workers:
        claims = dict(zip("ab", workers.map(claim, "ab"), strict=True))
    assert sorted(claims.values()) == [False, True]
    response.refresh_from_db()
    assert claims[response.worker]
    assert (response.status, response.attempt) == (Status.IN_PROGRESS, 1)
    assert response.started_at is not None


def test_who_claims_a_response_gets_its_row_as_it_is_then(owner: User) -> None:
    row = stored(owner, metadata={"depth": "3 m"}, temperature=0.5, instructions="Be brief.")
    claimed = Response.objects.claim(row.wire_id, "first")
    kept = Response.objects.get(pk=row.pk)
    assert claimed is not None
    assert {field.attname: getattr(claimed, field.attname) for field in claimed._meta.concrete_fields} == {
        field.attname: getattr(kept, field.attname) for field in kept._meta.concrete_fields
    }


def test_a_response_of_an_inactive_user_cannot_be_claimed(response: Response) -> None:
    User.objects.update(is_active=False)
    assert Response.objects.claim(response.wire_id, "first") is None
    User.objects.update(is_active=True)
    assert Response.objects.claim(response.wire_id, "first")


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.QUEUED}))
def test_what_is_not_queued_cannot_be_claimed(owner: User, status: Status) -> None:
    row = stored(owner, status=status, worker="first")
    assert Response.objects.claim(row.wire_id, "second") is None
    row.refresh_from_db()
    assert (row.worker, row.attempt) == ("first", 0)


@pytest.mark.parametrize("handed_over", [True, False])
def test_a_response_goes_back_into_the_queue_and_its_attempts_are_counted(
    response: Response, handed_over: bool
) -> None:
    Response.objects.claim(response.wire_id, "first")
    assert Response.objects.requeue(response.pk, 1, handed_over=handed_over)
    response.refresh_from_db()
    assert (response.status, response.worker, response.handed_over) == (Status.QUEUED, "", handed_over)
    assert response.losses == (0 if handed_over else 1)
    assert Response.objects.claim(response.wire_id, "second")
    response.refresh_from_db()
    assert (response.worker, response.attempt) == ("second", 2)


@pytest.mark.parametrize(
    ("status", "attempt"),
    [(status, 1) for status in Status if status != Status.IN_PROGRESS] + [(Status.IN_PROGRESS, 2)],
)
def test_what_a_later_attempt_has_or_what_has_ended_does_not_go_back(
    owner: User, status: Status, attempt: int
) -> None:
    row = stored(owner, status=status, worker="first", attempt=attempt)
    assert not Response.objects.requeue(row.pk, 1, handed_over=True)
    row.refresh_from_db()
    assert (row.status, row.worker) == (status, "first")


def test_a_finish_copies_the_outcome_to_the_row(response: Response) -> None:
    ending = Ending("completed", at=5.0, usage={"output_tokens": 3})
    terminal = ended(response, ending, "Two.", "Deep…")
    assert Response.objects.finish(terminal, first_token_at=response.queued_at)
    response.refresh_from_db()
    assert response.last_number == terminal.sequence_number > 0
    assert (response.status, response.output, response.reasoning) == ("completed", "Two.", "Deep…")
    assert (response.usage, response.error_code) == ({"output_tokens": 3}, "")
    assert response.first_token_at == response.queued_at
    assert response.ended_at is not None
    assert not response.live


@pytest.mark.parametrize(
    ("ending", "error_code", "incomplete_reason"),
    [
        (Ending("failed", at=5.0, error_code="worker_lost"), "worker_lost", ""),
        (Ending("incomplete", at=5.0, incomplete_reason="max_output_tokens"), "", "max_output_tokens"),
        (Ending("cancelled", at=5.0), "", ""),
    ],
)
def test_a_finish_says_why_and_keeps_the_partial_text(
    response: Response, ending: Ending, error_code: str, incomplete_reason: str
) -> None:
    assert Response.objects.finish(ended(response, ending, "Two me"))
    response.refresh_from_db()
    assert (response.status, response.output) == (ending.status, "Two me")
    assert (response.error_code, response.incomplete_reason) == (error_code, incomplete_reason)


def test_a_row_has_one_end(response: Response) -> None:
    assert Response.objects.finish(ended(response, Ending("cancelled", at=5.0), "Two"))
    assert not Response.objects.finish(ended(response, Ending("completed", at=6.0), "Two metres."))
    response.refresh_from_db()
    assert (response.status, response.output) == ("cancelled", "Two")


def test_an_owner_asks_once_by_one_client_request_id(owner: User, stranger: User) -> None:
    stored(owner, client_request_id="c")
    stored(stranger, client_request_id="c")
    with pytest.raises(IntegrityError):
        stored(owner, client_request_id="c")


def test_any_number_of_responses_have_no_client_request_id(owner: User) -> None:
    stored(owner)
    assert stored(owner).client_request_id is None


def test_what_the_user_said_is_shown_without_the_other_roles(owner: User) -> None:
    said = [("user", "one"), ("assistant", "1"), ("developer", "Be brief."), ("user", "two")]
    row = stored(owner, input=[{"role": role, "content": text} for role, text in said])
    assert row.input_text == "one\n\ntwo"


def test_rows_are_named_for_people(owner: User) -> None:
    conversation = Conversation.objects.create(owner=owner)
    assert str(conversation) == conversation.wire_id
    conversation.title = "Depths"
    assert str(conversation) == "Depths"
    assert conversation.get_absolute_url() == f"/conversations/{conversation.wire_id}/"
    assert str(stored(owner, status=Status.FAILED)).endswith("(failed)")


@pytest.mark.parametrize(
    ("ending", "unread"),
    [
        (Ending("completed", at=5.0), True),
        (Ending("failed", at=5.0, error_code="worker_lost"), True),
        (Ending("cancelled", at=5.0), False),
    ],
)
def test_an_end_is_activity_and_something_to_read_unless_it_was_the_owners(
    response: Response, ending: Ending, unread: bool
) -> None:
    before = response.conversation.updated_at
    Response.objects.finish(ended(response, ending))
    response.conversation.refresh_from_db()
    assert response.conversation.updated_at > before
    assert response.conversation.unread == unread


def test_a_second_end_is_nothing_new(response: Response) -> None:
    Response.objects.finish(ended(response, Ending("cancelled", at=5.0)))
    settled = Conversation.objects.get()
    Response.objects.finish(ended(response, Ending("completed", at=6.0)))
    assert (Conversation.objects.get().updated_at, Conversation.objects.get().unread) == (
        settled.updated_at,
        False,
    )


def test_only_the_conversation_of_the_response_is_stirred(owner: User, response: Response) -> None:
    other = stored(owner).conversation
    Response.objects.finish(ended(response, Ending("completed", at=5.0)))
    assert Conversation.objects.get(pk=other.pk).updated_at == other.updated_at


def test_what_is_read_is_read_once(owner: User) -> None:
    Conversation.objects.create(owner=owner, unread=True)
    assert Conversation.objects.all().mark_read()
    assert not Conversation.objects.all().mark_read()
