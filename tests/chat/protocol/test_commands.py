"""Commands: what a client may send, and the code and field of each refusal."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.commands import (
    COMMANDS,
    MAX_FRAME_BYTES,
    MAX_INPUT_CHARS,
    MAX_SETTINGS_BYTES,
    MAX_STREAM_ID_CHARS,
    Cancel,
    Change,
    Command,
    Create,
    Subscribe,
    Unsubscribe,
    change,
    create,
    parse,
)
from chat.protocol.errors import REFUSALS, CommandError

ID = "01234567-89ab-7def-8123-456789abcdef"


def asked(**fields: Any) -> dict[str, Any]:
    return {"type": "response.create", "input": "How deep is it?"} | fields


def created(**fields: Any) -> Create:
    command = parse(json.dumps(asked(**fields)))
    assert isinstance(command, Create)
    return command


def refusal(frame: str) -> CommandError:
    with pytest.raises(CommandError) as refused:
        parse(frame)
    return refused.value


def refused(**fields: Any) -> tuple[str, str | None]:
    error = refusal(json.dumps(asked(**fields)))
    return error.code, error.param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"instructions": "ä" * (MAX_SETTINGS_BYTES // 2) + "i"}, "instructions"),
        ({"instructions": "i" * 15_999, "metadata": {"key": "v" * 383}}, "instructions"),
        (
            {"metadata": {f"{number:02}": "€" * 340 + "..." for number in range(16)} | {"00": "€" * 350}},
            "metadata",
        ),
    ],
)
def test_instructions_and_metadata_have_a_bound_together_in_bytes(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == ("settings_too_long", param)


def test_instructions_and_metadata_may_take_all_of_it() -> None:
    assert created(instructions="i" * 15_998, metadata={"key": "v" * 383}).metadata
    assert created(instructions="ä" * (MAX_SETTINGS_BYTES // 2)).instructions


@pytest.mark.parametrize(
    ("body", "command"),
    [
        (
            {"type": "tailrace:subscribe", "response_id": ID, "starting_after": 7, "stream_id": "s"},
            Subscribe(type="tailrace:subscribe", response_id=UUID(ID), starting_after=7, stream_id="s"),
        ),
        (
            {"type": "tailrace:subscribe", "response_id": ID, "starting_after": -1},
            Subscribe(type="tailrace:subscribe", response_id=UUID(ID), starting_after=-1),
        ),
        (
            {"type": "tailrace:unsubscribe", "response_id": ID},
            Unsubscribe(type="tailrace:unsubscribe", response_id=UUID(ID)),
        ),
        (
            {"type": "tailrace:cancel", "response_id": ID},
            Cancel(type="tailrace:cancel", response_id=UUID(ID)),
        ),
    ],
)
def test_a_frame_becomes_its_command(body: dict[str, Any], command: Command) -> None:
    assert parse(json.dumps(body)) == command


def test_a_create_takes_every_field_that_is_documented() -> None:
    command = created(
        model="m",
        instructions="Be brief.",
        previous_response_id=ID,
        max_output_tokens=5,
        temperature=0.5,
        metadata={"k": "v"},
        stream_id="s",
        tailrace={"conversation_id": ID, "client_request_id": "c", "regenerate_of": ID},
    )
    assert command.previous_response_id == command.tailrace.conversation_id == UUID(ID)
    assert command.metadata == {"k": "v"}
    assert command.tailrace.client_request_id == "c"


def test_a_create_takes_the_flags_that_sdks_send_if_they_ask_for_what_is_always_so() -> None:
    assert created(stream=True, background=True, store=True).messages()
    assert refused(stream=False) == ("invalid_field", "stream")
    assert refused(store=False) == ("invalid_field", "store")


def test_an_input_that_is_a_text_is_said_by_the_user() -> None:
    assert created().messages() == [{"role": "user", "content": "How deep is it?"}]


def test_an_input_that_is_a_list_keeps_its_roles_and_joins_its_parts() -> None:
    parts = [{"type": "input_text", "text": "How "}, {"type": "input_text", "text": "deep?"}]
    command = created(
        input=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    )
    assert command.messages() == [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "How deep?"},
    ]


def test_a_regeneration_needs_no_input() -> None:
    frame = {"type": "response.create", "tailrace": {"regenerate_of": ID}}
    command = parse(json.dumps(frame))
    assert isinstance(command, Create)
    assert command.messages() == []


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"color": "red"}, "unknown_field", "color"),
        ({"model": 5}, "invalid_field", "model"),
        ({"model": "m" * 201}, "invalid_field", "model"),
        ({"input": 5}, "invalid_field", "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "invalid_field", "input"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "text": "x"}]}]},
            "invalid_field",
            "input",
        ),
        ({"input": "a\x00b"}, "invalid_field", "input"),
        ({"instructions": "i" * (MAX_INPUT_CHARS + 1)}, "invalid_field", "instructions"),
        ({"previous_response_id": "resp_1"}, "invalid_field", "previous_response_id"),
        ({"max_output_tokens": 0}, "invalid_field", "max_output_tokens"),
        ({"max_output_tokens": "5"}, "invalid_field", "max_output_tokens"),
        ({"temperature": 2.1}, "invalid_field", "temperature"),
        ({"temperature": float("nan")}, "invalid_field", "temperature"),
        ({"metadata": {"k": 5}}, "invalid_field", "metadata"),
        ({"metadata": {"k": "v" * 513}}, "invalid_field", "metadata"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "invalid_field", "metadata"),
        ({"stream_id": 5}, "invalid_field", "stream_id"),
        ({"tailrace": "x"}, "invalid_field", "tailrace"),
        ({"tailrace": {"color": "red"}}, "unknown_field", "tailrace.color"),
        ({"tailrace": {"conversation_id": "x"}}, "invalid_field", "tailrace.conversation_id"),
        ({"tailrace": {"client_request_id": ""}}, "invalid_field", "tailrace.client_request_id"),
        ({"input": " \n"}, "empty_input", "input"),
        ({"input": []}, "empty_input", "input"),
        ({"input": "i" * (MAX_INPUT_CHARS + 1)}, "input_too_long", "input"),
        ({"input": None}, "missing_field", "input"),
    ],
)
def test_a_refusal_names_the_field(fields: dict[str, Any], code: str, param: str) -> None:
    assert refused(**fields) == (code, param)


@pytest.mark.parametrize(
    ("frame", "code", "param"),
    [
        ("", "invalid_json", None),
        ("{", "invalid_json", None),
        ("[]", "invalid_json", None),
        ('"text"', "invalid_json", None),
        ("[" * 5000, "invalid_json", None),
        ("{}", "missing_field", "type"),
        ('{"type": null}', "unknown_type", "type"),
        ('{"type": ["response.create"]}', "unknown_type", "type"),
        ('{"type": "response.completed"}', "unknown_type", "type"),
        ('{"type": "tailrace:cancel"}', "missing_field", "response_id"),
        ('{"type": "tailrace:cancel", "response_id": 5}', "invalid_field", "response_id"),
        (f'{{"type": "tailrace:subscribe", "response_id": "{ID}", "starting_after": -2}}',
         "invalid_field", "starting_after"),
    ],
)  # fmt: skip
def test_a_bad_frame_is_refused_by_a_code(frame: str, code: str, param: str | None) -> None:
    error = refusal(frame)
    assert (error.code, error.param) == (code, param)


def test_an_input_of_the_greatest_length_is_taken() -> None:
    assert len(created(input="i" * MAX_INPUT_CHARS).messages()[0]["content"]) == MAX_INPUT_CHARS


def test_a_frame_is_measured_in_bytes() -> None:
    text = json.dumps(asked(input="ü" * (MAX_FRAME_BYTES // 2)), ensure_ascii=False)
    assert len(text) < MAX_FRAME_BYTES
    assert refusal(text).code == "frame_too_large"


def test_a_lone_surrogate_is_refused() -> None:
    assert refusal('{"type": "response.create", "input": "\\ud800"}').code in (
        "invalid_json",
        "invalid_field",
    )
    with pytest.raises(CommandError) as error:
        create(asked(input="\ud800"))
    assert (error.value.code, error.value.param) == ("invalid_field", "input")


@pytest.mark.parametrize(
    "fields", [{"input": ""}, {"color": "red"}, {"type": "response.creat"}, {"input": None}, {"input": 5}]
)
def test_a_refusal_carries_the_stream_id_of_its_frame(fields: dict[str, Any]) -> None:
    assert refusal(json.dumps(asked(**fields, stream_id="s"))).stream_id == "s"


@pytest.mark.parametrize("stream_id", [5, "s" * (MAX_STREAM_ID_CHARS + 1)])
def test_a_stream_id_that_cannot_be_used_is_not_repeated(stream_id: object) -> None:
    assert refusal(json.dumps(asked(stream_id=stream_id))).stream_id is None


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(ID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted({name for kind in COMMANDS.values() for name in kind.model_fields} - {"type"})


@given(st.sampled_from([*COMMANDS, "x"]), st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5))
def test_any_frame_becomes_a_command_or_a_refusal(kind: str, fields: dict[str, Any]) -> None:
    code = None
    try:
        assert parse(json.dumps({**fields, "type": kind})).type == kind
    except CommandError as error:
        code = json.loads(error.encode())["error"]["code"]
    assert code in {None, *REFUSALS}


def test_a_change_knows_which_fields_were_named() -> None:
    wanted = change(b'{"title": " Two \\n metres ", "deleted": false}')
    assert (wanted.title, wanted.deleted) == ("Two metres", False)
    assert [wanted.has(field) for field in ("title", "deleted", "read")] == [True, True, False]


@given(st.dictionaries(st.sampled_from([*Change.model_fields, "x"]), json_values, max_size=3) | json_values)
def test_any_body_becomes_a_change_or_a_refusal(body: Any) -> None:
    code = None
    try:
        assert change(json.dumps(body).encode()).model_fields_set <= set(Change.model_fields)
    except CommandError as error:
        code = error.code
    assert code in {None, "invalid_json", "invalid_field", "unknown_field"}
