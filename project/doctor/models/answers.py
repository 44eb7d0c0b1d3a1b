"""Judge a model's answers: one line for each model."""

from collections.abc import Mapping
from dataclasses import dataclass

from chat.conf import conf
from chat.protocol.errors import FAILURES
from chat.responses.model_catalog import ModelConfig
from project.doctor.finding import Finding, error, ok, warning
from project.doctor.models import causes
from project.doctor.models.connection import Cause
from project.doctor.models.trial import MAX_TOKENS, Trial
from project.up.summary import masked
from workers.providers.probe import Listing

SLOW_SECS = 1  # in which a model that streams has shown something
SEVERAL = 2  # words that come in more than one piece, if streamed


@dataclass(frozen=True, slots=True)
class Asked:
    """The facts about one model. `tools`, `images`: not refused; None if unknown."""

    model: ModelConfig  # with the upstream model that was taken
    listing: Listing
    trial: Trial
    tools: bool | None = None
    images: bool | None = None
    learned: tuple[str, ...] = ()  # lines of the catalog


def failed(model: ModelConfig, code: str, cause: Cause | None) -> Finding:
    """The sentence of the code and the cause; the sharpest known remedy."""
    found = f"{_place(model)}: {FAILURES[code]}{f' {cause.found}' if cause else ''}"
    return error(what(model), found, cause.remedy if cause else causes.remedy_of(code))


def judged(asked: Asked, environ: Mapping[str, str]) -> Finding:
    """List the working features; warn of each line of the catalog that claims more."""
    model, trial = asked.model, asked.trial
    key = model.key_env if environ.get(model.key_env) else "no key"
    parts = [_streaming(trial), "usage" if trial.usage else "no usage", *_abilities(asked)]
    if asked.learned:
        parts.append(f"learned: {'; '.join(asked.learned)}")
    found = f"{_place(model)}, {key}: {', '.join(parts)}"
    remedies = [*_lacks(model, trial), *_differences(asked)]
    return warning(what(model), found, " ".join(remedies)) if remedies else ok(what(model), found)


def what(model: ModelConfig) -> str:
    """The line's name, as without a question."""
    return f"model {model.name}"


def code_of(trial: Trial) -> str:
    """The failure, if any. An answer at its limit may be all hidden reasoning."""
    return trial.code or ("" if trial.pieces or trial.is_cut_off else "empty_answer")


def _place(model: ModelConfig) -> str:
    name = model.upstream_model[: causes.NAME_CHARS]
    return f"{masked(model.base_url)}{f', {name}' if name else ''}"


def _streaming(trial: Trial) -> str:
    if not trial.pieces:
        return f"reasons without showing it, for {MAX_TOKENS} tokens and more"
    first = f"first token {trial.first_token_secs * 1000:.0f} ms"
    return f"{'in one piece' if _is_whole(trial) else 'streams'}, {first}"


def _is_whole(trial: Trial) -> bool:
    """A quick answer may arrive in one read although it is streamed."""
    slow = trial.first_token_secs >= SLOW_SECS
    return slow and trial.pieces == 1 and len(trial.text.split()) >= SEVERAL


def _abilities(asked: Asked) -> list[str]:
    shown = {True: "does not refuse ", False: "no ", None: "unknown: "}
    return [f"{shown[asked.tools]}tools", f"{shown[asked.images]}images"]


def _lacks(model: ModelConfig, trial: Trial) -> list[str]:
    lacks = []
    if _is_whole(trial):
        lacks.append("Switch streaming on at the server, and buffering off in proxies before it.")
    if not trial.usage and "stream_options" not in model.without:
        lacks.append("Switch usage on at the server: without it responses have no count of tokens.")
    return lacks


def _differences(asked: Asked) -> list[str]:
    model, lines = asked.model, []
    for field, configured, found in (
        ("tools", model.tools, asked.tools),
        ("images", model.images, asked.images),
    ):
        if conf.MODELS and configured and found is False:
            lines.append(causes.line(field, found))
    size = asked.listing.context(model.upstream_model)
    if size and (model.context is None or model.context > size):
        lines.append(causes.line("context", size))
    return [f"Write {'; '.join(lines)}"] if lines else []
