"""Creation: a request becomes one row, one log and one message that ends, or nothing at all."""

import asyncio
import base64
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from chat.file_models import File, FileState, FileUse
from chat.ids import new_id, wire_id
from chat.models import Conversation, Response
from chat.protocol.commands import MAX_INPUT_CHARS, Create, create
from chat.protocol.composer import opening
from chat.protocol.errors import CommandError
from chat.protocol.events import decode
from chat.protocol.messages import MISSING
from chat.responses import creation
from chat.responses.attachments import loaded
from chat.responses.creation import create_response, submit
from chat.responses.model_catalog import DEMO, catalog, client_parameters
from chat.responses.prompt import TOKENS_PER_MESSAGE, prompt
from chat.responses.relatives import TITLE_CHARS, title_of
from chat.responses.representation import response_object
from chat.transport import job_queue, redis_client
from chat.transport.event_log import Log, LogError
from project.celery import app as celery_app
from project.up import ports, valkey
from tests.chat.communicator import eventually
from tests.chat.contents import PDF, PNG
from tests.chat.protocol.test_inputs import CALL, DATA, IMAGE, RESULT, TEXT, message
from tests.chat.protocol.test_options import REQUEST
from tests.chat.rows import counted, on_rows, saved
from tests.chat.stored_files import kept
from tests.harness.broker import Broker
from tests.harness.waiting import deadline

pytestmark = pytest.mark.django_db(transaction=True)


def asking(text: str | None = "How deep is it?", **fields: Any) -> Create:
    """The command; `tailrace` holds the fields of that object."""
    body = {"type": "response.create", "model": DEMO, "input": text} | fields
    return create({name: value for name, value in body.items() if value is not None})


def contents(row: Response) -> list[Any]:
    return [item["content"] for item in row.input]


def after(row: Response, **fields: Any) -> Create:
    return asking(previous_response_id=row.wire_id, **fields)


async def test_a_first_request_begins_a_conversation_and_a_log(owner: User, log: Log) -> None:
    row, new = await create_response(owner, asking(" How deep\n is it? "), log)
    assert new
    row = await saved(row.pk)
    assert (row.owner_id, row.status, row.model) == (owner.pk, "queued", DEMO)
    (item,) = row.input
    assert item["id"] == f"msg_{row.pk.hex}_i0"
    assert item["content"] == [{"type": "input_text", "text": " How deep\n is it? "}]
    events = [decode(entry.event) for entry in await log.read(row.wire_id)]
    assert events == opening(response_object(row))
    assert [event.type for event in events] == ["response.created", "response.queued"]


async def test_a_conversation_is_named_after_its_first_question(owner: User, log: Log) -> None:
    row, _ = await create_response(owner, asking("How deep\n is it?"), log)
    later, _ = await create_response(owner, after(row, text="And how wide?"), log)
    assert later.conversation.title == "How deep is it?"
    kept = await on_rows(Conversation.objects.get, pk=later.conversation_id)
    assert later.conversation.updated_at == kept.updated_at > row.conversation.updated_at


LONG = "How deep is the water of the lake below the mill on the hill, in metres, and how wide?"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (" How deep\n\tis it? ", "How deep is it?"),
        ("x" * TITLE_CHARS, "x" * TITLE_CHARS),
        ("x" * 100, "x" * (TITLE_CHARS - 1) + "…"),
        (LONG, "How deep is the water of the lake below the mill on the…"),
        ("x" * (TITLE_CHARS - 1) + " y", "x" * (TITLE_CHARS - 1) + "…"),
    ],
)
def test_a_title_has_whole_words_and_one_line(text: str, title: str) -> None:
    assert title_of(text) == title
    assert len(title) <= TITLE_CHARS


async def test_the_input_can_be_searched(owner: User, log: Log) -> None:
    row, _ = await create_response(owner, asking("How deep is it?"), log)
    again, _ = await create_response(owner, asking(None, tailrace={"regenerate_of": row.wire_id}), log)
    assert [(await saved(each.pk)).asked for each in (row, again)] == ["How deep is it?"] * 2


async def test_a_request_is_activity_in_its_conversation(owner: User, response: Response, log: Log) -> None:
    before = response.conversation.updated_at
    row, _ = await create_response(owner, after(response), log)
    after_it = (await on_rows(Conversation.objects.get, pk=row.conversation_id)).updated_at
    assert after_it > before


@pytest.mark.parametrize(
    "fields",
    [
        {"previous_response_id": "R"},
        {"tailrace": {"regenerate_of": "R"}},
        {"tailrace": {"conversation_id": "C"}},
    ],
)
async def test_a_deleted_conversation_takes_no_request(
    owner: User, response: Response, log: Log, fields: Any
) -> None:
    await on_rows(Conversation.objects.update, deleted_at=timezone.now())
    command = asking(**_filled(fields, {"R": response.pk, "C": response.conversation_id}))
    with pytest.raises(CommandError) as refused:
        await create_response(owner, command, log)
    assert refused.value.status == 404
    assert await counted() == (1, 1)


async def test_the_fields_of_a_request_are_stored(owner: User, log: Log) -> None:
    command = asking(instructions="Be brief.", max_output_tokens=5, temperature=0.5, metadata={"k": "v"})
    row = await saved((await create_response(owner, command, log))[0].pk)
    assert (row.instructions, row.max_output_tokens, row.temperature) == ("Be brief.", 5, 0.5)
    assert row.metadata == {"k": "v"}


async def test_what_was_requested_beyond_the_columns_is_stored(owner: User, log: Log) -> None:
    command = create({"type": "response.create", "input": "a"} | REQUEST)
    row = await saved((await create_response(owner, command, log))[0].pk)
    assert row.request == REQUEST
    assert (await saved((await create_response(owner, asking(), log))[0].pk)).request == {}


async def test_a_conversation_is_named_after_the_users_text(owner: User, log: Log) -> None:
    items = [message(TEXT | {"text": "Be brief."}, role="developer"), message(IMAGE, TEXT), CALL]
    row, _ = await create_response(owner, asking(None, input=items), log)
    assert (row.conversation.title, row.asked) == ("a", "a")
    unnamed, _ = await create_response(owner, asking(None, input=[message(IMAGE)]), log)
    assert (unnamed.conversation.title, unnamed.asked) == ("", "")


@pytest.fixture
def own_fields(settings: Settings, tmp_path: Path) -> None:
    """A catalog of two models, one of which takes a field of its server."""
    settings.TAILRACE_MODELS = str(tmp_path / "models.toml")
    both = [("one", 'client_parameters = ["top_k"]'), ("two", "")]
    model = '[[models]]\nname = "{}"\nbase_url = "http://localhost/v1"\n{}\n'
    Path(settings.TAILRACE_MODELS).write_text("".join(model.format(*each) for each in both))
    catalog.cache_clear()


async def test_a_models_own_fields_are_stored_and_no_other_models(
    owner: User, log: Log, own_fields: None
) -> None:
    assert client_parameters() == {"top_k"}
    body = {"type": "response.create", "input": "a", "top_k": 5}
    command = create(body | {"model": "one"}, own=client_parameters())
    row, _ = await create_response(owner, command, log)
    assert row.request == {"top_k": 5}
    command = create(body | {"model": "two"}, own=client_parameters())
    with pytest.raises(CommandError) as refused:
        await create_response(owner, command, log)
    assert (refused.value.code, refused.value.param) == ("unknown_field", "top_k")
    assert await counted() == (1, 1)


@pytest.fixture
def small(settings: Settings, tmp_path: Path) -> None:
    """A catalog of a model with a context of 1,000 tokens, and of one whose context is unknown."""
    settings.TAILRACE_MODELS = str(tmp_path / "models.toml")
    model = '[[models]]\nname = "{}"\nbase_url = "http://localhost/v1"\n{}\n'
    both = [("small", "context = 1_000"), ("unknown", "")]
    Path(settings.TAILRACE_MODELS).write_text("".join(model.format(*each) for each in both))
    catalog.cache_clear()


FITS = "水" * (2_000 - TOKENS_PER_MESSAGE)  # by the estimate, which is too high, twice the context


async def test_an_input_that_the_model_cannot_read_is_refused_before_anything_is_stored(
    owner: User, log: Log, small: None
) -> None:
    for fields in ({"text": FITS + "."}, {"text": FITS, "instructions": "Be brief."}):
        with pytest.raises(CommandError) as refused:
            await create_response(owner, asking(model="small", **fields), log)
        assert (refused.value.code, refused.value.param) == ("input_exceeds_context", "input")
    assert await counted() == (0, 0)
    row, _ = await create_response(owner, asking(FITS, model="small"), log)
    unknown, _ = await create_response(owner, asking(FITS * 10, model="unknown"), log)
    with pytest.raises(CommandError, match="input_exceeds_context"):
        await create_response(
            owner, asking(None, model="small", tailrace={"regenerate_of": unknown.wire_id}), log
        )
    assert (row.input_text, unknown.input_text) == (FITS, FITS * 10)


async def test_an_input_that_the_model_cannot_read_is_refused_before_its_files_are_stored(
    owner: User, log: Log, small: None, folder: Path
) -> None:
    data = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    picture = {"type": "input_image", "image_url": data}
    for text, stored_files in ((FITS, 0), ("Short", 1)):
        content = [{"type": "input_text", "text": text}, picture]
        command = asking(None, model="small", input=[message(*content)])
        with suppress(CommandError):
            await create_response(owner, command, log)
        assert await on_rows(File.objects.count) == stored_files


async def test_the_longest_question_is_stored_byte_for_byte(owner: User, log: Log) -> None:
    text = ("ab\r\n\t 水🌊e\u0301\u202e" * 40_000)[:MAX_INPUT_CHARS]
    row, _ = await create_response(owner, asking(text), log)
    assert len(text) == MAX_INPUT_CHARS
    assert (await saved(row.pk)).input_text == text


PICTURE = {"type": "input_image", "image_url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}


@pytest.mark.usefixtures("folder")
async def test_data_becomes_a_file_that_the_response_keeps_and_the_model_reads(owner: User, log: Log) -> None:
    row, _ = await create_response(owner, asking(None, input=[message(TEXT, PICTURE)]), log)
    file = await on_rows(File.objects.get)
    assert contents(await saved(row.pk)) == [[TEXT, {"type": "input_image", "file_id": file.wire_id}]]
    assert await on_rows(FileUse.objects.filter(file=file, response=row).exists)
    (asked,) = (await on_rows(prompt, row)).messages
    assert asked["content"][1]["image_url"]["url"] == f"file:{file.wire_id}"
    (whole,) = await on_rows(loaded, owner.pk, [asked])
    assert whole["content"][1]["image_url"]["url"] == PICTURE["image_url"]
    again = {"type": "input_image", "file_id": file.wire_id}
    await create_response(owner, after(row, text=None, input=[message(TEXT, again)]), log)
    assert await on_rows(FileUse.objects.count) == 2


@pytest.mark.usefixtures("folder")
async def test_a_question_that_is_refused_or_repeated_stores_no_file(
    owner: User, log: Log, settings: Settings
) -> None:
    once = {"client_request_id": "once"}
    first, _ = await create_response(owner, asking(tailrace=once), log)
    again = asking(None, input=[message(TEXT, PICTURE)], tailrace=once)
    assert await create_response(owner, again, log) == (first, False)
    settings.TAILRACE_MAX_RUNNING, settings.TAILRACE_MAX_WAITING = 1, 0
    with pytest.raises(CommandError, match="too_many_waiting"):
        await create_response(owner, asking(None, input=[message(TEXT, PICTURE)]), log)
    assert not await on_rows(File.objects.exists)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "content", "title"),
    [("depths of the lake.png", PNG, "depths of the lake.png"), ("", PNG, "Image"), ("", PDF, "File")],
)
async def test_a_conversation_without_text_is_named_after_its_file(
    owner: User, log: Log, name: str, content: bytes, title: str
) -> None:
    file = await on_rows(kept, owner, content, name)
    part = {"type": "input_file", "file_id": file.wire_id}
    row, _ = await create_response(owner, asking(None, input=[message(part)]), log)
    assert row.conversation.title == (await on_rows(Conversation.objects.get)).title == title
    later, _ = await create_response(owner, asking(None, input=[message(TEXT, part)]), log)
    assert later.conversation.title == TEXT["text"]


def test_a_question_of_text_takes_four_queries_and_none_for_files(owner: User) -> None:
    command = asking()
    with CaptureQueriesContext(connection) as asked:
        creation._store(owner, command, command.items())
    statements = [query["sql"] for query in asked.captured_queries]
    assert not [each for each in statements if "SAVEPOINT" in each]
    tables = [re.search(r'"(auth|tailrace)_(\w+)"', each) for each in statements]
    assert [table[2] for table in tables if table] == ["user", "response", "conversation", "response"]


@pytest.mark.usefixtures("folder")
async def test_a_file_that_was_deleted_is_named_to_the_model(owner: User, log: Log) -> None:
    row, _ = await create_response(owner, asking(None, input=[message(TEXT, PICTURE)]), log)
    await on_rows(File.objects.update, state=FileState.DELETING)
    (asked,) = await on_rows(loaded, owner.pk, (await on_rows(prompt, row)).messages)
    assert asked["content"] == f"a\n\n{MISSING['text']}"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("item", "code", "param"),
    [
        (message(TEXT, IMAGE | {"image_url": DATA}), "unsupported_file", "input[1].content[1].image_url"),
        (
            message({"type": "input_image", "image_url": "data:image/png;base64,?"}),
            "invalid_field",
            "input[1].content[0].image_url",
        ),
        (
            message(TEXT, {"type": "input_image", "file_id": "f"}),
            "file_not_found",
            "input[1].content[1].file_id",
        ),
        (
            RESULT | {"output": [{"type": "input_file", "file_id": "f"}]},
            "file_not_found",
            "input[1].output[0].file_id",
        ),
    ],
)
async def test_a_file_that_cannot_be_is_refused_with_its_path(
    owner: User, log: Log, item: Any, code: str, param: str
) -> None:
    with pytest.raises(CommandError) as refused:
        await create_response(owner, asking(None, input=[message(TEXT), item]), log)
    assert (refused.value.code, refused.value.param) == (code, param)
    assert await counted() == (0, 0)


@pytest.mark.usefixtures("folder")
async def test_another_users_file_is_not_found(owner: User, stranger: User, log: Log) -> None:
    theirs = await on_rows(kept, stranger, PNG)
    part = {"type": "input_image", "file_id": theirs.wire_id}
    with pytest.raises(CommandError) as refused:
        await create_response(owner, asking(None, input=[message(TEXT, part)]), log)
    assert (refused.value.code, refused.value.param) == ("file_not_found", "input[0].content[1].file_id")
    assert await counted() == (0, 0)


async def test_the_default_model_is_the_first_one(owner: User, log: Log) -> None:
    row, _ = await create_response(owner, asking(model=None), log)
    assert row.model == next(iter(catalog()))


async def test_a_later_request_is_in_the_same_conversation(owner: User, response: Response, log: Log) -> None:
    row, new = await create_response(owner, after(response), log)
    assert new
    assert (row.conversation_id, row.previous_id) == (response.conversation_id, response.pk)
    assert await counted() == (1, 2)


async def test_a_conversation_can_get_another_root(owner: User, response: Response, log: Log) -> None:
    wanted = {"conversation_id": wire_id("conv", response.conversation_id)}
    row, _ = await create_response(owner, asking(tailrace=wanted), log)
    assert (row.conversation_id, row.previous_id) == (response.conversation_id, None)


async def test_a_regeneration_is_a_sibling_with_the_same_input(owner: User, log: Log) -> None:
    root, _ = await create_response(owner, asking("one"), log)
    first, _ = await create_response(owner, after(root, text="two"), log)
    again, new = await create_response(owner, asking(None, tailrace={"regenerate_of": first.wire_id}), log)
    assert new
    assert again.pk != first.pk
    assert (contents(again), again.previous_id) == (contents(first), root.pk)
    assert again.input[0]["id"] == f"msg_{again.pk.hex}_i0"
    assert again.conversation_id == root.conversation_id


async def test_a_regeneration_uses_the_same_model_unless_it_names_another(owner: User, log: Log) -> None:
    assert next(iter(catalog())) != DEMO
    source, _ = await create_response(owner, asking(model=DEMO), log)
    regenerated = {"regenerate_of": source.wire_id}
    again, _ = await create_response(owner, asking(None, model=None, tailrace=regenerated), log)
    other, _ = await create_response(
        owner, asking(None, model=next(iter(catalog())), tailrace=regenerated), log
    )
    assert [again.model, other.model] == [DEMO, next(iter(catalog()))]


async def test_a_regeneration_with_a_previous_response_is_refused(
    owner: User, response: Response, log: Log
) -> None:
    command = after(response, tailrace={"regenerate_of": response.wire_id})
    with pytest.raises(CommandError) as refused:
        await create_response(owner, command, log)
    assert (refused.value.code, refused.value.param) == ("invalid_field", "previous_response_id")
    assert await counted() == (1, 1)


async def test_a_response_that_was_deleted_is_not_regenerated(
    owner: User, response: Response, log: Log
) -> None:
    await on_rows(Response.objects.update, status="completed")
    await on_rows(Response.objects.erase)
    with pytest.raises(CommandError) as refused:
        await create_response(owner, asking(None, tailrace={"regenerate_of": response.wire_id}), log)
    assert (refused.value.code, refused.value.param) == ("response_not_found", "tailrace.regenerate_of")


async def test_a_root_can_be_regenerated(owner: User, response: Response, log: Log) -> None:
    again, _ = await create_response(owner, asking(None, tailrace={"regenerate_of": response.wire_id}), log)
    assert (contents(again), again.previous_id) == (contents(response), None)
    assert again.conversation_id == response.conversation_id


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"previous_response_id": "R"}, "response_not_found", "previous_response_id"),
        ({"tailrace": {"regenerate_of": "R"}}, "response_not_found", "tailrace.regenerate_of"),
        ({"tailrace": {"conversation_id": "C"}}, "conversation_not_found", "tailrace.conversation_id"),
    ],
)
@pytest.mark.parametrize("theirs", [True, False], ids=["someone else's", "nobody's"])
async def test_other_owners_ids_are_not_found_and_nothing_is_stored(
    owner: User,
    response: Response,
    stranger: User,
    log: Log,
    fields: Any,
    code: str,
    param: str,
    theirs: bool,
) -> None:
    ids = {"R": response.pk, "C": response.conversation_id} if theirs else {"R": new_id(), "C": new_id()}
    command = asking(**_filled(fields, ids))
    with pytest.raises(CommandError) as refused:
        await create_response(stranger, command, log)
    assert (refused.value.code, refused.value.param) == (code, param)
    assert await counted() == (1, 1)


def _filled(fields: dict[str, Any], ids: dict[str, UUID]) -> dict[str, Any]:
    return {
        name: _filled(value, ids) if isinstance(value, dict) else str(ids[value])
        for name, value in fields.items()
    }


async def test_a_conversation_that_contradicts_the_previous_response_is_refused(
    owner: User, response: Response, log: Log
) -> None:
    command = after(response, tailrace={"conversation_id": str(new_id())})
    with pytest.raises(CommandError) as refused:
        await create_response(owner, command, log)
    assert (refused.value.code, refused.value.param) == ("invalid_field", "tailrace.conversation_id")


async def test_an_unknown_model_is_refused_and_nothing_is_stored(owner: User, log: Log) -> None:
    with pytest.raises(CommandError) as refused:
        await create_response(owner, asking(model="gpt-none"), log)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert await counted() == (0, 0)


async def test_the_same_request_of_another_owner_is_another_response(
    owner: User, stranger: User, log: Log
) -> None:
    command = asking(tailrace={"client_request_id": "c"})
    mine, _ = await create_response(owner, command, log)
    theirs, new = await create_response(stranger, command, log)
    assert new
    assert theirs.pk != mine.pk


async def test_the_same_request_many_times_at_once_is_one_response(owner: User, log: Log) -> None:
    command = asking(tailrace={"client_request_id": "c"})
    made = await asyncio.gather(*(create_response(owner, command, log) for _ in range(8)))
    assert len({row.pk for row, _ in made}) == 1
    assert [new for _, new in made].count(True) == 1
    assert await counted() == (1, 1)
    assert await log.top(made[0][0].wire_id) == 1


async def test_without_redis_nothing_is_stored(owner: User, log: Log, settings: Settings) -> None:
    await redis_client.close()
    settings.TAILRACE_LOG_URL = valkey.url(ports.pick_free())
    with pytest.raises(LogError):
        await submit(owner, asking(), Log(redis_client.client()))
    assert await counted() == (0, 0)


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The announced responses: of each the id, and the `client_request_id` if it has one."""
    announced: list[str] = []

    async def announce(conversation: Any, response: Any, request_id: str | None) -> None:
        announced.append(" ".join(filter(None, [response["id"], request_id])))

    monkeypatch.setattr(creation, "announce_new", announce)
    return announced


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The broker is unresponsive until this is set."""
    gate, send = threading.Event(), job_queue.send

    def wait(*args: str) -> None:
        assert gate.wait(deadline())
        send(*args)

    monkeypatch.setattr(job_queue, "send", wait)
    return gate


async def test_the_same_request_is_one_response_and_one_message(
    owner: User, log: Log, broker: Broker, announced: list[str]
) -> None:
    command = asking(tailrace={"client_request_id": "c"})
    first, new = await submit(owner, command, log)
    again, new_again = await submit(owner, command, log)
    assert (again.pk, new, new_again) == (first.pk, True, False)
    later, _ = await submit(owner, asking(), log)
    ids = [first.wire_id, later.wire_id]  # which sort by time
    await eventually(lambda: sorted(message.id for message in broker.jobs()) == ids)
    assert sorted(announced) == [f"{ids[0]} c", ids[1]]


async def test_a_response_that_cannot_be_enqueued_ends(
    owner: User, log: Log, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery_app.conf, "broker_url", valkey.url(ports.pick_free()))
    row, _ = await submit(owner, asking(), log)
    await eventually(lambda: Response.objects.get(pk=row.pk).error_code == "queue_unavailable")
    assert broker.jobs() == []


async def test_a_response_is_announced_then_enqueued_although_its_client_is_gone(
    owner: User,
    log: Log,
    broker: Broker,
    gate: threading.Event,
    announced: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(creation, "ENQUEUE_SECS", 10)
    submitting = asyncio.create_task(submit(owner, asking(), log))
    await eventually(lambda: creation._pending)
    submitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await submitting
    await eventually(lambda: announced)
    assert broker.jobs() == []
    gate.set()
    await eventually(lambda: [message.id for message in broker.jobs()] == announced)


@pytest.mark.slow
async def test_an_unresponsive_broker_leaves_threads_for_the_database(
    owner: User, log: Log, broker: Broker, gate: threading.Event, settings: Settings
) -> None:
    settings.TAILRACE_MAX_RUNNING = 50
    for _ in range(50):  # more than the threads of the event loop
        await submit(owner, asking(), log)
    gate.set()
    await eventually(lambda: len(broker.jobs()) == 50 and not creation._pending)
