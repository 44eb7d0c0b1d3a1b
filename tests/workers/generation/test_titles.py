"""Titles by a model: what is asked, what is taken from its reply, and when a title is set."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from chat.file_models import FileUse
from chat.models import Conversation, Response, Status, TitleSource
from chat.responses.model_catalog import catalog
from chat.responses.relatives import title_of
from chat.transport.event_log import Log
from tests.chat.rows import on_rows, stored
from tests.chat.stored_files import kept
from tests.harness.upstream import Upstream
from tests.harness.waiting import LEAST_SECS, await_until
from workers.generation import titles
from workers.generation.titles import MAX_WORDS, Titles, title_in
from workers.providers.openai_compatible import Provider


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        ("Depth of the mill pond", "Depth of the mill pond"),
        ('"Depth of the Pond."\n', "Depth of the Pond"),
        ("# **Depth** of `the` pond", "Depth of the pond"),
        ("\n\n  \nTitle: “Depth of the pond”\nIt is short.", "Depth of the pond"),
        ("one two three four five six seven", "one two three four five six"),
        ("水车的深度。", "水车的深度"),
        ("a\u202eb\x00c\x1b d", "abc d"),
        ("a\u200cb", "a\u200cb"),
        ("**\n```", ""),
        ("", ""),
    ],
)
def test_a_title_is_the_plain_first_line_of_the_reply(reply: str, title: str) -> None:
    assert title_in(reply) == title


@given(st.text(max_size=600))
def test_any_reply_gives_a_title_that_fits_the_column(reply: str) -> None:
    title = title_in(reply)
    assert len(title) <= 80
    assert len(title.split()) <= MAX_WORDS
    assert title == " ".join(title.split())
    title.encode()


@pytest.fixture
async def jobs() -> AsyncIterator[Titles]:
    provider = Provider()
    yield Titles(provider)
    await provider.close()


@pytest.fixture
def titler(upstream: Upstream, settings: Settings, tmp_path: Path) -> Callable[[str], str]:
    """Make a title model with this script, whose name at the upstream it returns."""

    def make(script: str) -> str:
        upstream_model = f"{script} {tmp_path.name}"
        file = tmp_path / "models.toml"
        file.write_text(
            f'[[models]]\nname = "small"\nbase_url = "{upstream.base_url}"\nkey_env = "NO_KEY"\n'
            f'upstream_model = "{upstream_model}"\n'
        )
        settings.TAILRACE_MODELS, settings.TAILRACE_TITLE_MODEL = str(file), "small"
        catalog.cache_clear()
        return upstream_model

    return make


@pytest.fixture
def unnamed(owner: User) -> Any:
    """A conversation with one answer."""

    def make(**fields: Any) -> Response:
        fields = {"asked": "How deep?", "output": "Two metres.", "status": Status.COMPLETED} | fields
        row = stored(owner, **fields)
        Conversation.objects.filter(pk=row.conversation_id).update(title=title_of(row.asked))
        return row

    return make


def conversation(row: Response) -> Conversation:
    return Conversation.objects.get(pk=row.conversation_id)


async def begun(jobs: Titles, row: Response) -> None:
    conversation_id = (await on_rows(conversation, row)).wire_id
    assert await jobs.begin(conversation_id)
    await await_until(lambda: _idle(jobs), LEAST_SECS, f"the job of {conversation_id} has ended")


async def _idle(jobs: Titles) -> bool:
    return not jobs._begun


@pytest.mark.django_db(transaction=True)
async def test_question_and_answer_are_asked_about_and_the_title_is_set(
    jobs: Titles, titler: Any, unnamed: Any, upstream: Upstream, log: Log
) -> None:
    model = titler("[echo]")
    row = await on_rows(unnamed, asked="q" * 3_000, output="a" * 3_000)
    await begun(jobs, row)
    named = await on_rows(conversation, row)
    assert named.title.startswith("test_question_and_answer")
    assert named.title_source == TitleSource.MODEL
    [record] = upstream.requests(model)
    asked = record.messages[-1]["content"]
    assert ("q" * 2_000 in asked, "q" * 2_001 in asked, "a" * 2_001 in asked) == (True, False, False)
    assert record.body["max_tokens"] == titles.MAX_TOKENS


@pytest.mark.django_db(transaction=True)
async def test_a_rename_meanwhile_stays(
    jobs: Titles, titler: Any, unnamed: Any, upstream: Upstream, log: Log
) -> None:
    for changes in ({"title": "Mine", "title_source": TitleSource.OWNER}, {"title": "By an old version"}):
        model = titler("[echo+hold-after-1]")
        row = await on_rows(unnamed)
        assert await jobs.begin((await on_rows(conversation, row)).wire_id)
        await await_until(lambda: _asked(upstream, model), LEAST_SECS, "the model is asked")  # noqa: B023
        await on_rows(Conversation.objects.filter(pk=row.conversation_id).update, **changes)
        upstream.release(model)
        await await_until(lambda: _idle(jobs), LEAST_SECS, "the job has ended")
        assert (await on_rows(conversation, row)).title == changes["title"]
        upstream.clear(model)


@pytest.mark.django_db(transaction=True)
async def test_a_rename_by_an_older_version_before_the_job_stays(
    jobs: Titles, titler: Any, unnamed: Any, upstream: Upstream, log: Log
) -> None:
    model = titler("[echo]")
    row = await on_rows(unnamed)
    await on_rows(Conversation.objects.filter(pk=row.conversation_id).update, title="By an old version")
    await begun(jobs, row)
    assert upstream.requests(model) == []


@pytest.mark.django_db(transaction=True)
async def test_a_conversation_that_begins_with_a_file_is_named(
    jobs: Titles, titler: Any, unnamed: Any, upstream: Upstream, log: Log, folder: Path
) -> None:
    model = titler("[echo]")
    row = await on_rows(unnamed, asked="")
    file = await on_rows(kept, await on_rows(lambda: row.owner), b"a", "depths.txt")
    await on_rows(FileUse.objects.create, file=file, response=row)
    await on_rows(Conversation.objects.filter(pk=row.conversation_id).update, title="depths.txt")
    await begun(jobs, row)
    assert len(upstream.requests(model)) == 1


async def _asked(upstream: Upstream, model: str) -> bool:
    return bool(await asyncio.to_thread(upstream.requests, model))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("script", ["[status-400]", "[words-0]", "[cut-after-1]"])
async def test_a_model_without_a_title_is_asked_twice_and_the_title_stays(
    jobs: Titles,
    titler: Any,
    unnamed: Any,
    upstream: Upstream,
    log: Log,
    caplog: pytest.LogCaptureFixture,
    script: str,
) -> None:
    model = titler(script)
    row = await on_rows(unnamed)
    await begun(jobs, row)
    assert (await on_rows(conversation, row)).title == "How deep?"
    assert len(upstream.requests(model)) == 2
    assert "the title model" in caplog.text
    assert "How deep" not in caplog.text


async def test_jobs_beyond_a_bound_are_dropped(jobs: Titles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(titles, "MAX_BEGUN", 1)
    monkeypatch.setattr(Titles, "_name", lambda *_: asyncio.sleep(60))
    assert [await jobs.begin("conv_1"), await jobs.begin("conv_2")] == [True, False]
    for task in jobs._begun:
        task.cancel()


@pytest.mark.django_db(transaction=True)
async def test_an_unknown_model_a_deleted_and_an_unanswered_conversation_ask_nobody(
    jobs: Titles, titler: Any, unnamed: Any, upstream: Upstream, settings: Settings
) -> None:
    model = titler("[echo]")
    for fields in ({"status": Status.FAILED}, {"deleted_at": timezone.now()}):
        row = await on_rows(unnamed)
        rows = Conversation if "deleted_at" in fields else Response
        await on_rows(rows.objects.all().update, **fields)
        await begun(jobs, row)
    settings.TAILRACE_TITLE_MODEL = "another"
    await begun(jobs, await on_rows(unnamed))
    assert upstream.requests(model) == []
