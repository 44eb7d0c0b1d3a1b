"""The reader: values of a completion become chunks, and every end has one meaning."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.pieces import CallPart, Piece, PieceKind
from tests.workers.chunks import chunk_of
from tests.workers.providers.dialects.base import delta
from tests.workers.providers.dialects.calls import part, parts
from workers.providers.answer_values import MAX_COUNT
from workers.providers.base import Chunk, ProviderError
from workers.providers.completion import Reader
from workers.providers.finish_words import finish_reason
from workers.providers.reasoning_tags import TagSplitter

THINK = ("<think>", "</think>")


def read(*values: Any, tags: tuple[str, str] | None = None) -> Chunk:
    """Return the values as one chunk."""
    chunk, reader = Chunk(), Reader(tags)
    for value in values:
        reader.read(value, chunk)
    reader.flush(chunk)
    return chunk


# the end


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            "stop eos eos_token stop_sequence end_turn COMPLETE STOP tool_calls tool-calls function_call",
            "stop",
        ),
        ("STOP_SEQUENCE FINISH_REASON_STOP FinishReason.STOP eosFound tool_use finished", "stop"),
        ("length max_tokens MAX_TOKENS model_length FinishReason.MAX_TOKENS max-tokens", "length"),
        ("model_context_window_exceeded contextLengthReached", "length"),
        (
            "content_filter content-filter SAFETY RECITATION guardrail_intervened sensitive refusal",
            "content_filter",
        ),
        ("BLOCKLIST PROHIBITED_CONTENT SPII content_filtered ERROR_TOXIC", "content_filter"),
    ],
)
def test_a_known_word_has_its_reason(words: str, reason: str) -> None:
    assert {word: finish_reason(word) for word in words.split()} == dict.fromkeys(words.split(), reason)


@pytest.mark.parametrize("word", ["", "null", "None", "FINISH_REASON_UNSPECIFIED", "not_finished"])
def test_some_words_mean_that_the_answer_continues(word: str) -> None:
    assert finish_reason(word) is None


FAILURES = [
    "error",
    "ERROR",
    "abort",
    "insufficient_system_resource",
    "load",
    "unload",
    "OTHER",
    "MALFORMED_FUNCTION_CALL",
    "network_error",
    "cancelled",
    "timeout",
    "user_cancel",
    "unstoppable",
    "nonstop",
    "水",
]


@pytest.mark.parametrize("word", FAILURES)
def test_an_unknown_word_or_a_failure_is_an_error(word: str) -> None:
    with pytest.raises(ProviderError) as raised:
        finish_reason(word)
    assert raised.value == ProviderError("upstream_error")


def test_the_last_reason_counts() -> None:
    assert read(delta("a", "stop"), delta("b", "length")) == chunk_of(text="ab", finish="length")


def test_text_before_a_failure_is_kept() -> None:
    chunk = Chunk()
    with pytest.raises(ProviderError):
        Reader().read([delta("a"), delta("b", "abort")], chunk)
    assert chunk == chunk_of(text="ab")


# reasoning between tags


@pytest.mark.parametrize(
    ("text", "words", "reasoning"),
    [
        ("<think>hm</think>ok", "ok", "hm"),
        ("\n <think>\nhm\n</think>\n\nok</think>", "ok</think>", "hm\n"),
        ("<think></think>ok", "ok", ""),
        ("<think>hm <think> hm</think>ok", "ok", "hm <think> hm"),
        ("<think>hm < / </thin", "", "hm < / </thin"),
        ("<thinking>hm", "<thinking>hm", ""),
        ("<th", "<th", ""),
        ("\n\nok", "\n\nok", ""),
        ("The tag <think>x</think>", "The tag <think>x</think>", ""),
        (" " * 100 + "<think>hm</think>", " " * 100 + "<think>hm</think>", ""),
    ],
)
def test_tags_count_at_the_start(text: str, words: str, reasoning: str) -> None:
    for size in (1, 2, 7, 1000):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        found = read(*map(delta, pieces), tags=THINK)
        assert (found.text, found.reasoning) == (words, reasoning)


def test_a_text_may_begin_inside_the_tags() -> None:
    found = read(delta("h"), delta("m</th"), delta("ink>ok"), tags=("", "</think>"))
    assert (found.text, found.reasoning) == ("ok", "hm")


def test_without_tags_the_text_is_as_it_came() -> None:
    assert read(delta("<think>hm</think>ok")).text == "<think>hm</think>ok"


def test_tags_do_not_count_beside_reasoning_of_its_own_field() -> None:
    found = read(delta(reasoning="hm"), delta("<think>x</think>"), tags=THINK)
    assert (found.text, found.reasoning) == ("<think>x</think>", "hm")


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<th", "ink>", "</", "hm", " ", "\n"]), max_size=8),
    st.data(),
)
def test_any_split_of_a_text_gives_the_same(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[begin:end] for begin, end in itertools.pairwise([0, *cuts, len(text)])]

    def split(pieces: list[str]) -> tuple[str, str]:
        splitter = TagSplitter(THINK)
        found = [splitter.split(piece) for piece in pieces] + [splitter.flush()]
        return "".join(text for text, _ in found), "".join(reasoning for _, reasoning in found)

    assert split(pieces) == split([text])


# usage


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2}, (1, 2, 3)),
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": 4}, (1, 2, 4)),
        ({"prompt_tokens": 1.0, "completion_tokens": None}, (1, 0, 1)),
        ({"prompt_tokens": "many", "completion_tokens": 2, "prompt_tokens_details": [5]}, (0, 2, 2)),
        ({"prompt_tokens": -1, "completion_tokens": 2, "total_tokens": True}, (0, 2, 2)),
        ({"prompt_tokens": MAX_COUNT + 1, "completion_tokens": 2}, (0, 2, 2)),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf"), "input_tokens": 3}, (3, 0, 3)),
    ],
)
def test_counts_are_whole_numbers(usage: Any, counts: tuple[int, int, int]) -> None:
    found = read({"choices": [], "usage": usage}).usage
    assert found is not None
    numbers = found["input_tokens"], found["output_tokens"], found["total_tokens"]
    assert numbers == counts
    assert {type(number) for number in numbers} == {int}


@pytest.mark.parametrize("usage", [{}, [], "many", 7, True, {"prompt_tokens": "many"}, {"total_tokens": 5}])
def test_usage_without_counts_is_ignored(usage: Any) -> None:
    assert read({"choices": [], "usage": usage}) == Chunk()


def test_details_of_usage_have_several_names() -> None:
    for details in (
        {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 6}},
        {"input_tokens_details": {"cached_tokens": 5}, "output_tokens_details": {"reasoning_tokens": 6}},
        {"prompt_cache_hit_tokens": 5, "reasoning_tokens": 6},
        {"cached_tokens": 5, "reasoning_tokens": 6, "completion_tokens_details": None},
    ):
        found = read({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 9} | details}).usage
        assert found is not None
        assert found["input_tokens_details"]["cached_tokens"] == 5
        assert found["output_tokens_details"]["reasoning_tokens"] == 6


# characters


def test_a_half_of_a_character_waits_for_the_other() -> None:
    chunk, reader = Chunk(), Reader()
    reader.read(delta("a\ud83d"), chunk)
    assert chunk.text == "a"
    reader.read(delta("\ude00b\ud83d"), chunk)
    assert chunk.text == "a\N{GRINNING FACE}b"
    reader.flush(chunk)
    assert chunk.text == "a\N{GRINNING FACE}b\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("name", ["reasoning", "refusal"])
def test_a_half_of_a_character_waits_in_each_kind_of_text(name: PieceKind) -> None:
    found = read(delta(**{name: "a\ud83d"}), delta(**{name: "\ude00b"}), delta(**{name: "\ud83d"}))
    (piece,) = found.parts
    assert piece == Piece(name, "a\N{GRINNING FACE}b\N{REPLACEMENT CHARACTER}")


def test_a_half_of_a_character_waits_in_the_arguments_of_its_own_call() -> None:
    found = read(
        parts(part(0, '{"a":"\ud83d', "f", "c0"), part(1, '{"b":"\ud83c', "g", "c1")),
        parts(part(0, '\ude00"}'), part(1, '\udf0a"}')),
        parts(part(0, "\ud83d"), part(1, "")),
        delta(finish="tool_calls"),
    )
    arguments = ["", ""]
    for each in found.parts:
        assert isinstance(each, CallPart)
        arguments[each.index] += each.arguments
    assert arguments == ['{"a":"\N{GRINNING FACE}"}\N{REPLACEMENT CHARACTER}', '{"b":"\N{WATER WAVE}"}']


@given(
    st.lists(st.text(st.characters(codec=None) | st.sampled_from("\ud83d\ude00\x00"), max_size=4), max_size=5)
)
def test_all_text_is_storable(texts: list[str]) -> None:
    found = read(*[delta(text, reasoning=text) for text in texts], tags=THINK)
    for text in (found.text, found.reasoning):
        assert "\x00" not in text
        text.encode()


def test_nested_parts_are_malformed() -> None:
    content: Any = "deep"
    for _ in range(5000):
        content = [{"text": content}]
    with pytest.raises(ProviderError) as raised:
        read(delta(content))
    assert raised.value.code == "upstream_malformed"


# errors that a server reports in an answer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 429, "message": "Rate limit"}, "rate_limit_exceeded"),
        ({"code": 402, "message": "Insufficient credits"}, "upstream_no_credit"),
        ({"code": "429", "message": "litellm.RateLimitError"}, "rate_limit_exceeded"),
        ({"code": 401}, "upstream_unauthorized"),
        ({"code": "insufficient_quota"}, "upstream_no_credit"),
        ({"code": "context_length_exceeded"}, "context_length_exceeded"),
        ({"code": 404, "message": "not found"}, "upstream_error"),
        ({"type": "overloaded_error"}, "upstream_error"),
        ("the model has crashed", "upstream_error"),
    ],
)
@pytest.mark.parametrize("where", ["top", "choice"])
def test_an_error_in_an_answer_has_the_code_of_its_kind(error: Any, code: str, where: str) -> None:
    value = {"error": error} if where == "top" else {"choices": [{"index": 0, "error": error}]}
    with pytest.raises(ProviderError) as raised:
        read(value)
    assert raised.value.code == code


def test_the_first_finish_reason_counts_unless_text_follows_it() -> None:
    assert read(delta("a", "length"), delta("", "stop")).finish == "length"
    assert read(delta("a", "stop"), delta("b", "length")).finish == "length"


def test_an_answer_that_was_cut_before_the_name_of_a_call_is_cut() -> None:
    found = read(parts(part(0, "{}", "f", "c0"), part(1, "{", id="c1")), delta(finish="length"))
    assert (found.finish, found.parts) == ("length", [CallPart(0, "f", "c0", "{}")])


@pytest.mark.parametrize(
    "extra",
    [
        {"error": {"code": 0, "message": ""}},
        {"error": "null"},
        {"error": None},
        {"x_groq": None},
        {"choices": [None]},
        {"code": 0, "message": "Success"},
    ],
    ids=str,
)
def test_a_field_that_is_no_error_is_none(extra: dict[str, Any]) -> None:
    whole = read(delta("a"), {"choices": []} | extra, extra, delta("b", "stop"))
    assert (whole.text, whole.finish) == ("ab", "stop")
