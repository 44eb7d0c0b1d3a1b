"""Database rows: a conversation is an owner's tree of responses.

Every transition is a conditional UPDATE whose row count decides; 0: another process was first.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

# Django finds models by these imports
from chat import file_models, key_models, preference_models, share_models, webhook_models  # noqa: F401
from chat.ids import CONVERSATION, RESPONSE, bare, new_id, wire_id
from chat.protocol.errors import FAILURES
from chat.protocol.events import Terminal
from chat.protocol.input_items import asked
from chat.protocol.objects import ErrorObject, IncompleteDetails, ResponseObject
from chat.protocol.output import has_answer, output_text
from chat.text_bytes import TextBytes
from chat.wire_id_field import WireIdField


class TitleSource(models.TextChoices):
    """The writer of a title."""

    QUESTION = "question"  # its first question's beginning
    MODEL = "model"
    OWNER = "owner"


MAX_PINNED = 50  # of an owner: the first page of the list has them all


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """An owner's list."""

    def listed_of(self, owner_id: int | None) -> "ConversationQuerySet":
        """An owner's conversations in the list, also deleted ones."""
        return self.filter(owner_id=owner_id, listed=True)

    def visible_to(self, owner_id: int | None) -> "ConversationQuerySet":
        """An owner's undeleted conversations in the list."""
        return self.listed_of(owner_id).filter(deleted_at=None)

    def with_running(self) -> "ConversationQuerySet":
        """Add `running`: a response has not ended."""
        live = Response.objects.filter(conversation=OuterRef("pk"), status__in=LIVE)
        return self.annotate(running=Exists(live))

    def newest_first(self, before: tuple[datetime, UUID] | None = None) -> "ConversationQuerySet":
        """By latest activity, after the position `before`."""
        rows = self.order_by("-updated_at", "-id")
        if before is None:
            return rows
        moment, last = before
        return rows.filter(updated_at__lte=moment).exclude(updated_at=moment, id__gte=last)

    def pinned(self) -> "ConversationQuerySet":
        """The pinned ones, the latest pin first."""
        return self.filter(pinned_at__isnull=False).order_by("-pinned_at", "-id")

    def touch(self, **changes: Any) -> None:
        """Set the latest activity to now."""
        self.update(updated_at=timezone.now(), **changes)

    def mark_read(self) -> bool:
        """Mark as read. False: already read."""
        return bool(self.filter(unread=True).update(unread=False))

    def unnamed(self) -> "ConversationQuerySet":
        """Those whose titles are the beginnings of their questions."""
        return self.filter(title_source=TitleSource.QUESTION, deleted_at=None, listed=True)

    def name_by_model(self, conversation_id: UUID | str, before: str, title: str) -> bool:
        """Set a model's title in place of `before`. False: renamed meanwhile, or deleted.

        `before` is compared, too: an older version renames without a source.
        """
        unnamed = self.unnamed().filter(pk=conversation_id, title=before)
        return bool(unnamed.update(title=title, title_source=TitleSource.MODEL))


class Conversation(models.Model):
    """A tree of responses."""

    id = WireIdField(primary_key=True, default=new_id, editable=False, wire_prefix=CONVERSATION)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=80, blank=True)
    title_source = models.CharField(
        max_length=10, choices=TitleSource, default=TitleSource.QUESTION, db_default=TitleSource.QUESTION
    )
    pinned_at = models.DateTimeField(null=True, blank=True, editable=False)  # first in the list
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    unread = models.BooleanField(default=False)  # an answer ended since the last reading
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)  # hidden; can be restored
    # False: a program's, which named no conversation. It never changes
    listed = models.BooleanField(default=True, db_default=True, editable=False)
    metadata = models.JSONField(default=dict, db_default={}, blank=True)  # a program's

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["owner", "-updated_at", "-id"], name="conversation_by_activity"),
            models.Index(fields=["owner"], name="conversation_pinned", condition=Q(pinned_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title or self.wire_id

    def get_absolute_url(self) -> str:
        """The page's path."""
        return reverse("conversation", args=[self.id])

    @property
    def wire_id(self) -> str:
        """The id as clients see it."""
        return wire_id(CONVERSATION, self.id)


class Status(models.TextChoices):
    """A response's status."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (Status.QUEUED, Status.IN_PROGRESS)
MOST_BEHIND_SECS = 3600  # that a row may follow the end in its log


def outcome_columns(response: ResponseObject) -> dict[str, Any]:
    """The columns of a final response object."""
    error, details = response["error"], response.get("incomplete_details")
    return {
        "status": response["status"],
        "items": response["output"],
        "answered": has_answer(response),
        "output": output_text(response),
        "reasoning": output_text(response, "reasoning"),
        "error_code": error["code"] if error else "",
        "incomplete_reason": details["reason"] if details else "",
        "usage": response["usage"],
    }


CLAIM = """
UPDATE {table} SET status = %s, worker = %s, attempt = attempt + 1, started_at = %s
WHERE id = %s AND status = %s AND owner_id IN (SELECT {user_id} FROM {users} WHERE is_active)
RETURNING *
"""


# of failures by the question itself, perhaps: in a later prompt it would fail again, or kill more workers
OF_THE_QUESTION = (
    "context_length_exceeded",
    "upstream_rejected",
    "files_unavailable",
    "worker_lost",
    "worker_error",
)
# ids only: neither the text of the path nor a row of another branch is read
PROMPT_PATH = """
WITH RECURSIVE path(id, previous_id, belongs, depth) AS (
    SELECT turn.id, turn.previous_id, {belongs}, 1 FROM {table} turn WHERE turn.id = %s
    UNION ALL
    SELECT turn.id, turn.previous_id, {belongs}, path.depth + 1
    FROM {table} turn JOIN path ON turn.id = path.previous_id WHERE path.depth < %s
)
SELECT id FROM path WHERE belongs ORDER BY depth
"""
BELONGS = f"""
turn.answered OR (
    turn.status NOT IN {tuple(map(str, LIVE))}
    AND turn.error_code NOT IN {OF_THE_QUESTION}
    AND turn.incomplete_reason <> 'content_filter'
)"""
MAX_PATH = 10_000  # turns


def _end_of(response: ResponseObject) -> datetime:
    """Now, or the end of the second that the final object names: clients compare it with the row's object.

    A row that follows its log by an hour or more is kept from now on.
    """
    now, named = timezone.now(), response["completed_at"]
    if named is None or now.timestamp() - named >= MOST_BEHIND_SECS:
        return now
    return min(now, datetime.fromtimestamp(named + 1, UTC) - timedelta(microseconds=1))


class ResponseQuerySet(models.QuerySet["Response"]):
    """The transitions."""

    def claim(self, response_id: str, worker: str) -> "Response | None":
        """Queued → in_progress, by this worker. None: another claimed it, it ended, or its owner is inactive.

        Repeated once if the row is still queued: in PostgreSQL an UPDATE that waited for `taking.take` finds
        another owner in the row than the user with whom it had joined it.
        """
        claimed = self._claimed(response_id, worker)
        if claimed is None and self.filter(pk=response_id, status=Status.QUEUED).exists():
            claimed = self._claimed(response_id, worker)
        return claimed

    def _claimed(self, response_id: str, worker: str) -> "Response | None":
        """Raw SQL: Django cannot return the updated row."""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        meta = Response._meta  # noqa: SLF001 - documented by Django
        key = meta.pk.get_db_prep_value(response_id, connection)
        owner = get_user_model()._meta  # noqa: SLF001
        sql = CLAIM.format(table=meta.db_table, users=owner.db_table, user_id=owner.pk.column)
        claimed = self.raw(sql, [Status.IN_PROGRESS, worker, now, key, Status.QUEUED])
        return next(iter(claimed), None)

    def requeue(self, response_id: UUID | str, attempt: int, *, handed_over: bool) -> bool:
        """in_progress → queued, for this attempt. False: ended, or a later attempt has it.

        `handed_over`: the worker stops as planned; otherwise a loss is counted.
        """
        return bool(
            self.filter(pk=response_id, status=Status.IN_PROGRESS, attempt=attempt).update(
                status=Status.QUEUED,
                worker="",
                handed_over=handed_over,
                losses=F("losses") + (0 if handed_over else 1),
            )
        )

    @transaction.atomic(savepoint=False)
    def finish(self, terminal: Terminal, **extra: Any) -> bool:
        """Copy the final response object to its row. False: the row had ended.

        Marks the conversation unread, except after a cancellation.
        """
        response = terminal.response
        live = self.filter(pk=response["id"], status__in=LIVE)
        done = live.update(
            **outcome_columns(response),
            last_number=terminal.sequence_number,
            ended_at=_end_of(response),
            **extra,
        )
        if done:
            changes = {} if response["status"] == Status.CANCELLED else {"unread": True}
            Conversation.objects.filter(responses__pk=UUID(bare(RESPONSE, response["id"]))).touch(**changes)
        return bool(done)

    def prompt_path(self, response_id: UUID) -> list[UUID]:
        """The ids of the turns that a prompt has, from this one to the root, newest first.

        Also ended ones without an answer: the next question may refer to one that was stopped or has failed.
        """
        meta = Response._meta  # noqa: SLF001 - documented by Django
        key = meta.pk.get_db_prep_value(response_id, connection)
        sql = PROMPT_PATH.format(table=meta.db_table, belongs=BELONGS)
        return [row.pk for row in self.raw(sql, [key, MAX_PATH])]

    def erase(self) -> int:
        """Empty ended responses of their texts. Their rows stay: later turns refer to them."""
        ended = self.filter(deleted_at=None).exclude(status__in=LIVE)
        texts = dict.fromkeys(("asked", "instructions", "output", "reasoning", "request_digest"), "")
        return ended.update(
            deleted_at=timezone.now(),
            input=[],
            items=[],
            metadata={},
            request={},
            answered=False,
            client_request_id=None,
            **texts,
        )

    def text_bytes(self) -> dict[UUID, int]:
        """The bytes of the instructions, the question and the answer, by id; no text is loaded."""
        size = TextBytes("instructions") + TextBytes("input") + TextBytes("items")
        return dict(self.order_by().values_list("pk", size))

    def wire_ids(self) -> list[str]:
        """Their ids as clients see them, and in Redis."""
        return [wire_id(RESPONSE, pk) for pk in self.values_list("pk", flat=True)]

    def held(self) -> "ResponseQuerySet":
        """Queued responses without a message: their owners have as many running as allowed."""
        return self.filter(status=Status.QUEUED, sent_at=None)

    def count_live(self, owner_id: int) -> tuple[int, int]:
        """Count an owner's live responses: those sent, and those held."""
        live = self.filter(owner_id=owner_id, status__in=LIVE)
        counts = live.aggregate(sent=Count("sent_at"), all=Count("pk"))
        return counts["sent"], counts["all"] - counts["sent"]

    def mark_sent(self, owner_id: int, most: int) -> "list[Response]":
        """Mark an owner's oldest held responses as sent, and return them. Lock the owner before."""
        oldest = list(self.held().filter(owner_id=owner_id).order_by("queued_at", "id")[:most])
        self.held().filter(pk__in=[row.pk for row in oldest]).update(sent_at=timezone.now())
        return oldest

    def ahead_of(self, row: "Response", models: list[str]) -> "ResponseQuerySet":
        """Queued responses before this one: of the owner if it is held, else to these models."""
        if row.sent_at is None:
            own = self.filter(owner_id=row.owner_id, status=Status.QUEUED)
            earlier = Q(queued_at__lt=row.queued_at) | Q(queued_at=row.queued_at, id__lt=row.id)
            return own.filter(earlier | Q(sent_at__isnull=False))
        sent = self.filter(status=Status.QUEUED, sent_at__lte=row.sent_at, model__in=models)
        return sent.exclude(sent_at=row.sent_at, id__gte=row.id)


class Response(models.Model):
    """One turn: input and output."""

    id = WireIdField(primary_key=True, default=new_id, editable=False, wire_prefix=RESPONSE)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="responses")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="responses")
    listed = models.BooleanField(default=True, db_default=True, editable=False)  # its conversation is
    previous = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="next")
    client_request_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - unique, so NULL

    model = models.CharField(max_length=200)
    input = models.JSONField(help_text="OpenAI's input items, or chat messages: [{role, content}]")
    asked = models.TextField(blank=True, default="", editable=False)  # for the search
    instructions = models.TextField(blank=True)
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    temperature = models.FloatField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    request = models.JSONField(default=dict, blank=True, help_text="What was asked beyond these columns")
    stored = models.BooleanField(default=True, db_default=True)  # False: deleted soon after its end
    background = models.BooleanField(default=True, db_default=True)  # asked without a reader
    # of a program's body, which a repeated request must have, too; SHA-256
    request_digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.QUEUED)
    items = models.JSONField(default=list, blank=True, help_text="OpenAI's output items")
    output = models.TextField(blank=True)  # their texts, for the search and the list
    reasoning = models.TextField(blank=True)
    answered = models.BooleanField(default=False)  # the output has text or a call
    error_code = models.CharField(max_length=50, blank=True)
    incomplete_reason = models.CharField(max_length=50, blank=True)
    usage = models.JSONField(null=True, blank=True)
    last_number = models.BigIntegerField(null=True, blank=True)  # of the terminal event
    # oldest turns, which did not fit into the model's context; also the default of an older version's INSERT
    omitted_turns = models.PositiveIntegerField(default=0, db_default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0)  # attempts whose workers were lost
    handed_over = models.BooleanField(default=False)  # by the previous attempt
    worker = models.CharField(max_length=100, blank=True)

    queued_at = models.DateTimeField(default=timezone.now, editable=False)
    # of its message to the broker; NULL: held until another of the owner's ends. An older version holds none
    sent_at = models.DateTimeField(
        default=timezone.now, db_default=Now(), null=True, blank=True, editable=False
    )
    started_at = models.DateTimeField(null=True, blank=True)
    first_token_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # by its owner, over the API: its texts are empty, and later turns still refer to it
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ResponseQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "client_request_id"], name="one_response_per_client_request"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "sent_at"], name="response_by_sending"),
            models.Index(fields=["owner", "status"], name="response_by_owner"),
            models.Index(fields=["conversation", "status"], name="response_by_conversation"),
            models.Index(fields=["ended_at"], name="response_unstored", condition=Q(stored=False)),
            models.Index(fields=["owner", "-id"], name="response_listed", condition=Q(listed=True)),
        ]

    def __str__(self) -> str:
        return f"{self.wire_id} ({self.status})"

    @property
    def wire_id(self) -> str:
        """The id as clients see it, and in Redis."""
        return wire_id(RESPONSE, self.id)

    @property
    def live(self) -> bool:
        """Not ended."""
        return self.status in LIVE

    def owner_now(self) -> file_models.OwnerId:
        """A query of the owner's id: a guest's claimed response may be taken into an account."""
        return Response.objects.filter(pk=self.pk).values("owner_id")[:1]

    @property
    def input_text(self) -> str:
        """The user's messages as text."""
        return asked(self.input)

    def error(self) -> ErrorObject | None:
        """The failure's code and sentence."""
        if not self.error_code:
            return None
        return {"code": self.error_code, "message": FAILURES.get(self.error_code, "")}

    def incomplete_details(self) -> IncompleteDetails | None:
        """Why it was cut off."""
        return {"reason": self.incomplete_reason} if self.incomplete_reason else None
