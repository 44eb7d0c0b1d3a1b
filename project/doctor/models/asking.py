"""Ask each model a tiny question. Only `doctor --ask` loads this module: it imports the SDK."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import groupby

from chat.responses.model_catalog import ModelConfig
from project.doctor.finding import Finding, error
from project.doctor.keys import key_fault
from project.doctor.models import answers, causes, trial
from project.doctor.models.answers import Asked
from project.doctor.models.trial import Trial
from workers.providers.changes import Change, Learned
from workers.providers.openai_compatible import Provider
from workers.providers.probe import listed

EVERY_SECS = 10  # a line of progress
# of a tool or a picture; other failures do not depend on them
REFUSALS = {"upstream_rejected", "upstream_not_found"}
ACCEPTED = {"", "empty_answer"}  # a call of a tool has no text

Say = Callable[[str], object]


def settings_of(learned: Learned) -> tuple[str, ...]:
    """The catalog's lines for the learned facts."""
    return tuple(learned.setting(Change(drop=name)) for name in sorted(learned.without))


def examine(models: Sequence[ModelConfig], say: Say) -> list[Finding]:
    """One finding per model, in their order; `say` receives the progress."""
    return asyncio.run(_examine(models, say))


async def _examine(models: Sequence[ModelConfig], say: Say) -> list[Finding]:
    """Servers in parallel, the models of one in turn: a small one would load and drop them."""
    groups = [list(group) for _, group in groupby(sorted(models, key=_server), _server)]
    provider = Provider()
    try:
        found = await asyncio.gather(*(_in_turn(provider, group, say) for group in groups))
    finally:
        await provider.close()
    by_name = {finding.what: finding for group in found for finding in group}
    return [by_name[answers.what(model)] for model in models]


def _server(model: ModelConfig) -> str:
    return model.base_url


async def _in_turn(provider: Provider, models: Sequence[ModelConfig], say: Say) -> list[Finding]:
    return [await _asked(provider, model, say) for model in models]


async def _asked(provider: Provider, model: ModelConfig, say: Say) -> Finding:
    if fault := key_fault(model, os.environ):
        return error(answers.what(model), fault.found, fault.remedy)
    async with _progress(model, say):
        listing = await asyncio.to_thread(listed, model)
        model = replace(model, upstream_model=model.upstream_model or listing.first)
        counted = await trial.count(provider, model)
        if code := answers.code_of(counted):
            cause = await asyncio.to_thread(causes.cause, model, code, listing, os.environ)
            return answers.failed(model, code, cause)
        learned = provider.learned.get(model.name, Learned())
        settings = settings_of(learned)
        tools = _ability(await trial.with_tool(provider, model))
        if "tools" in learned.without:  # asked again without them
            tools = False
        images = _ability(await trial.with_image(provider, model))
    return answers.judged(Asked(model, listing, counted, tools, images, settings), os.environ)


def _ability(tried: Trial) -> bool | None:
    if tried.code in ACCEPTED:
        return True
    return False if tried.code in REFUSALS else None


@asynccontextmanager
async def _progress(model: ModelConfig, say: Say) -> AsyncIterator[None]:
    ticking = asyncio.create_task(_tick(model, say))
    try:
        yield
    finally:
        ticking.cancel()


async def _tick(model: ModelConfig, say: Say) -> None:
    secs: float = 0
    say(f"asking {model.name}: up to {model.deadlines.first_token:g} s for a first token")
    while True:
        await asyncio.sleep(EVERY_SECS)
        secs += EVERY_SECS
        say(f"asking {model.name}: {secs:g} s")
