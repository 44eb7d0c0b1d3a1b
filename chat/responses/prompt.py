"""A response's prompt: the path from the tree's root to its own input."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, chain, islice, takewhile
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from chat.file_models import OwnerId
from chat.models import Response
from chat.protocol.events import JSON
from chat.protocol.messages import (
    calls,
    joined_turns,
    messages,
    named_files,
    results,
    stored_name,
    with_calls_only,
    without_open_calls,
)
from chat.protocol.parameters import parameter_bytes, parameters
from chat.responses.attachments import (
    BYTES_PER_TOKEN,
    TOKENS_PER_IMAGE,
    TOKENS_PER_PDF,
    file_tokens,
    tokens_of,
)

TOKENS_PER_MESSAGE = 8  # its role and marks
TOKENS_PER_CALL = 16  # its id and marks
DEFAULT_CONTEXT = 131_072  # of a model whose context is unknown: no prompt is unbounded
PAGE_TURNS = 50  # per query of their text
PAGE_BYTES = 1024 * 1024  # of that text, but at least one turn
MAX_STANDING = 100  # turns whose system or developer messages are kept though they are left out
ANSWER_SHARE = 4  # at most a quarter of the context is kept for the answer
STANDING = frozenset({"system", "developer"})  # roles that hold for the whole conversation


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages of chat completions; `omitted_turns`: the number of oldest turns that did not fit."""

    messages: list[JSON]
    omitted_turns: int = 0


def prompt(response: Response, context: int | None = None, limit: int | None = None) -> Prompt:
    """Compose the prompt; leave out the oldest turns that do not fit into `context`, in tokens.

    `limit`: of the answer, in tokens. Instructions and the newest input stay, also if they do not fit. System
    and developer messages of omitted turns follow the instructions, as far as they fit; calls of an omitted
    turn stay whose results are in later ones. Calls without a result are left out: servers refuse both.
    An unanswered question and the next are one message, as some servers want roles to alternate; the messages
    of one input stay as they were sent.
    Blocks: one query for the path, and for each page one for its sizes, one for its text, and one for its
    files, if any. The standing messages take one more, and pages of their turns.
    """
    context = DEFAULT_CONTEXT if context is None else context
    first: list[JSON] = []
    size = _Sizes(response.owner_now())
    if response.instructions:
        first.append({"role": "system", "content": response.instructions})
    asked = messages(response.input)
    answer = min(limit or context, context // ANSWER_SHARE)
    room = context - answer - size([*first, *asked]) - parameter_tokens(parameters(response.request))
    path = Response.objects.prompt_path(response.previous_id) if response.previous_id else []
    turns = _newest(path, room, size)
    standing: dict[UUID, list[JSON]] = {}
    if len(turns) < len(path):
        standing = _standing_of(path, room, size)
        room -= sum(map(size, standing.values()))
        sizes = (size(turn) - size(standing.get(at, [])) for at, turn in zip(path, turns, strict=False))
        turns = turns[: fitting(sizes, room)]
    pending = _with_calls(path, turns, asked, room, size)
    kept = len(turns)
    first += _joined(standing.get(at, []) for at in reversed(path[kept:]))
    composed = [[*first, *pending], *reversed(turns), asked]
    answered = results(_joined(composed))
    closed = [without_open_calls(turn, answered) for turn in composed]
    return Prompt(joined_turns(closed), len(path) - kept)


class _Sizes:
    """Estimates the tokens of messages, with their files, each of which is searched once."""

    def __init__(self, owner_id: OwnerId) -> None:
        self._owner_id = owner_id
        self._files: dict[str, int] = {}

    def __call__(self, messages: list[JSON]) -> int:
        if unknown := set(named_files(messages)) - self._files.keys():
            self._files |= dict.fromkeys(unknown, 0) | file_tokens(self._owner_id, unknown)
        return tokens(messages, self._files)


def input_tokens(response: Response) -> int:
    """Estimate, rather too high, the tokens of an input with its instructions, tools and files. May query."""
    first = [{"role": "system", "content": response.instructions}] if response.instructions else []
    asked = [*first, *messages(response.input)]
    return _Sizes(response.owner_id)(asked) + parameter_tokens(parameters(response.request))


def tokens(messages: Iterable[JSON], files: Mapping[str, int] | None = None) -> int:
    """Estimate, rather too high, the tokens of messages. `files`: of the stored files that they name."""
    return sum(_tokens(message, files or {}) for message in messages)


def parameter_tokens(fields: JSON) -> int:
    """Estimate, rather too high, the tokens of tools and schemas. `fields`: of a request."""
    return math.ceil(parameter_bytes(fields) / BYTES_PER_TOKEN)


def fitting(sizes: Iterable[int], room: int) -> int:
    """The number of first sizes whose sum is at most `room`."""
    return sum(1 for _ in takewhile(lambda total: total <= room, accumulate(sizes)))


def _tokens(message: JSON, files: Mapping[str, int]) -> int:
    content = message.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    called = [call.get("function") or call.get("custom") or {} for call in message.get("tool_calls") or ()]
    texts = sum(_tokens_of("".join(map(str, each.values()))) for each in called)
    fixed = TOKENS_PER_MESSAGE + TOKENS_PER_CALL * len(called)
    return fixed + sum(_tokens_of_part(part, files) for part in parts) + texts


def _tokens_of_part(part: JSON, files: Mapping[str, int]) -> int:
    """A part without a text is an image, a file, or a program's own."""
    text = part.get("text", part.get("refusal"))
    if isinstance(text, str):
        return _tokens_of(text)
    if part.get("type") == "image_url":
        return TOKENS_PER_IMAGE
    if part.get("type") == "file" and (name := stored_name(part)) is not None:
        return files.get(name, 0)
    source = str((part.get("file") or {}).get("file_data"))
    kind, _, data = source.partition(";base64,")  # or an address, of unknown size
    return tokens_of(kind.removeprefix("data:"), len(data) * 3 // 4) if data else TOKENS_PER_PDF


def _tokens_of(text: str) -> int:
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def _with_calls(
    path: list[UUID], turns: list[list[JSON]], asked: list[JSON], room: int, size: _Sizes
) -> list[JSON]:
    """The calls, in the newest omitted turn, whose results are in the prompt.

    Drops oldest of the `turns` until the calls fit, too. A result answers the turn before it, so older turns
    are not searched.
    """
    while True:
        kept = [*asked, *_joined(turns)]
        missing = results(kept) - calls(kept)
        omitted = path[len(turns) : len(turns) + 1]
        if not missing or not omitted:
            return []
        pending = with_calls_only(_messages(*_rows(omitted)), missing)
        if not turns or size(pending) + sum(map(size, turns)) <= room:
            return pending
        turns.pop()


def _newest(path: list[UUID], room: int, size: _Sizes) -> list[list[JSON]]:
    """The newest turns that fit; reads a page beyond them at most."""
    turns: list[list[JSON]] = []
    for ids in _pages(path):
        page = [_messages(turn) for turn in _rows(ids)]
        size(_joined(page))  # all files by one query
        kept = fitting(map(size, page), room)
        turns += page[:kept]
        room -= sum(map(size, page[:kept]))
        if kept < len(page):
            break
    return turns


def _pages(ids: list[UUID]) -> Iterator[list[UUID]]:
    """The ids in pages of bounded text, which the caller loads."""
    start = 0
    while start < len(ids):
        page = ids[start : start + PAGE_TURNS]
        if len(page) > 1:
            sizes = Response.objects.filter(pk__in=page).text_bytes()
            page = page[: max(1, fitting((sizes[each] for each in page), PAGE_BYTES))]
        yield page
        start += len(page)


def _rows(ids: list[UUID]) -> list[Response]:
    found = Response.objects.only("input", "items", "answered", "model").in_bulk(ids)
    return [found[each] for each in ids]


def _standing_of(path: list[UUID], room: int, size: _Sizes) -> dict[UUID, list[JSON]]:
    """The standing messages of the newest turns that have any, as far as they fit."""
    text = Cast("input", TextField())
    marked = Response.objects.filter(pk__in=path).annotate(text=text)
    wanted = marked.filter(Q(text__contains='"system"') | Q(text__contains='"developer"'))
    newest = set(wanted.order_by("-pk").values_list("pk", flat=True)[:MAX_STANDING])
    found: dict[UUID, list[JSON]] = {}
    for ids in _pages([at for at in path if at in newest]):
        page = {row.pk: standing for row in _rows(ids) if (standing := _standing(row.input))}
        kept = fitting(map(size, page.values()), room)
        found |= dict(islice(page.items(), kept))
        room -= sum(map(size, islice(page.values(), kept)))
        if kept < len(page):
            break
    return found


def _messages(turn: Response) -> list[JSON]:
    """Of a turn without an answer the question; results of calls must follow these, and may be sent again.

    Those that a program added to the conversation, without a model, are not.
    """
    asked = messages(turn.input)
    if turn.answered or not turn.model:
        return [*asked, *messages(turn.items)]
    return [] if results(asked) else asked


def _standing(items: list[JSON]) -> list[JSON]:
    return [message for message in messages(items) if message["role"] in STANDING]


def _joined(turns: Iterable[list[JSON]]) -> list[JSON]:
    return list(chain.from_iterable(turns))
