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
    OF_PROGRAMS,
    UNSUPPORTED,
    Cancel,
    Change,
    Command,
    Create,
    Limits,
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


def tool(name: str, description: str = "") -> dict[str, Any]:
    return {"type": "function", "name": name, "description": description, "parameters": {}}


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
        ({"instructions": "ä" * (MAX_SETTINGS_BYTES // 2)}, "instructions"),
        ({"instructions": "i" * (MAX_SETTINGS_BYTES - 500), "metadata": {"key": "v" * 500}}, "instructions"),
        ({"instructions": "i" * 90_000, "tools": [tool("f", "d" * 172_100)]}, "tools"),
        ({"text": {"format": {"type": "json_schema", "name": "n", "schema": {"k": "s" * 262_144}}}}, "text"),
    ],
)
def test_instructions_tools_and_the_rest_have_a_bound_together_in_bytes(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(CommandError) as error:
        create(asked(**fields))
    assert (error.value.code, error.value.param) == ("settings_too_long", param)


def test_instructions_and_tools_may_take_all_of_it_beside_the_longest_input() -> None:
    text = "🌊" * MAX_INPUT_CHARS  # 4 bytes each
    command = created(instructions="i" * 90_000, tools=[tool("f", "d" * 171_900)])
    frame = json.dumps(asked(instructions=command.instructions, tools=command.requested()["tools"]))
    longest = parse(frame.replace("How deep is it?", text))
    assert isinstance(longest, Create)
    assert longest.items()[0]["content"][0]["text"] == "🌊" * MAX_INPUT_CHARS


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
    assert created(stream=True, background=True, store=True).items()
    assert created(stream_options={"include_obfuscation": True}, top_logprobs=0).items()
    assert created(background_options={"completion_window": "soonest"}).items()
    assert refused(stream=False) == ("invalid_field", "stream")
    assert refused(background=False) == ("invalid_field", "background")
    assert refused(store=False) == ("invalid_field", "store")


def test_a_program_chooses_how_its_response_runs() -> None:
    command = create(asked(stream=False, background=False, store=False), OF_PROGRAMS)
    assert (command.stream, command.background, command.store) == (False, False, False)
    command = create(asked(stream=None), OF_PROGRAMS)
    assert (command.stream, command.background, command.store) == (None, None, None)


def test_an_input_that_is_a_text_is_a_message_of_the_user() -> None:
    part = {"type": "input_text", "text": "How deep is it?"}
    assert created().items() == [
        {"type": "message", "role": "user", "status": "completed", "content": [part]}
    ]


def test_null_is_as_good_as_absent() -> None:
    fields = dict.fromkeys([*Create.model_fields.keys() - {"type", "input"}, *UNSUPPORTED])
    inner = {"text": {"format": None, "verbosity": None}, "reasoning": {"effort": None, "summary": None}}
    assert created(**fields) == created()
    assert created(**inner).requested() == {"text": {}, "reasoning": {}}
    assert created(tailrace={"regenerate_of": None}) == created()


def test_a_regeneration_needs_no_input() -> None:
    frame = {"type": "response.create", "tailrace": {"regenerate_of": ID}}
    command = parse(json.dumps(frame))
    assert isinstance(command, Create)
    assert command.items() == []


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"color": "red"}, "unknown_field", "color"),
        ({"model": 5}, "invalid_field", "model"),
        ({"model": "m" * 201}, "invalid_field", "model"),
        ({"input": 5}, "invalid_field", "input"),
        ({"input": {"role": "user", "content": "x"}}, "invalid_field", "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "invalid_field", "input[0].role"),
        ({"input": "a\x00b"}, "invalid_field", "input"),
        ({"instructions": "i\x00"}, "invalid_field", "instructions"),
        ({"previous_response_id": "resp_1"}, "invalid_field", "previous_response_id"),
        ({"max_output_tokens": 0}, "invalid_field", "max_output_tokens"),
        ({"max_output_tokens": "5"}, "invalid_field", "max_output_tokens"),
        ({"temperature": 2.1}, "invalid_field", "temperature"),
        ({"temperature": float("nan")}, "invalid_field", "temperature"),
        ({"metadata": {"k": 5}}, "invalid_field", "metadata.k"),
        ({"metadata": {"k": "v" * 513}}, "invalid_field", "metadata.k"),
        ({"metadata": {"k" * 200: "v"}}, "invalid_field", f"metadata.{'k' * 100}"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "invalid_field", "metadata"),
        ({"stream_id": 5}, "invalid_field", "stream_id"),
        ({"stream_id": "a/b"}, "invalid_stream_id", "stream_id"),
        ({"stream_id": ""}, "invalid_stream_id", "stream_id"),
        ({"stream_id": "s" * 257}, "invalid_stream_id", "stream_id"),
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


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_a_field_of_a_service_that_tailrace_lacks_is_refused_by_name(name: str) -> None:
    assert refused(**{name: "x"}) == ("unsupported_parameter", name)


def test_the_fields_of_the_models_are_taken_as_they_are() -> None:
    body = asked(top_k=5, chat_template_kwargs={"a": None}, min_p=None)
    command = create(body, own=("top_k", "chat_template_kwargs", "min_p"))
    assert command.requested() == {"top_k": 5, "chat_template_kwargs": {"a": None}}
    with pytest.raises(CommandError) as error:
        create(body | {"chat_template_kwargs": ["a\x00"]}, own=body)
    assert (error.value.code, error.value.param) == ("invalid_field", "chat_template_kwargs")
    with pytest.raises(CommandError) as error:
        create(body, own=("top_k", "min_p"))
    assert (error.value.code, error.value.param) == ("unknown_field", "chat_template_kwargs")


def test_other_doors_have_other_limits() -> None:
    wide = Limits(input_chars=MAX_INPUT_CHARS + 1, settings_bytes=10)
    assert create(asked(input="i" * (MAX_INPUT_CHARS + 1)), wide).input
    with pytest.raises(CommandError, match="settings_too_long"):
        create(asked(instructions="0123456789"), wide)


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
    assert created(input="i" * MAX_INPUT_CHARS).input == "i" * MAX_INPUT_CHARS


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


@pytest.mark.parametrize("stream_id", [5, "", "s" * 257, "a b", "ä", "a\n"])
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
