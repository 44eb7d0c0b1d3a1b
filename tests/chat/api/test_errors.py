"""Error replies: each code has a status, each body OpenAI's form, each JSON body a command or a refusal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.api.errors import CODES, FAILED, failure, refusal
from chat.api.responses import command_of
from chat.protocol.commands import Create
from chat.protocol.errors import FAILURES, REFUSALS, CommandError
from tests.chat.api.answering import MODEL

FIELDS = {"message", "type", "param", "code"}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "role", "content", "name", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
bodies = st.dictionaries(st.sampled_from([*Create.model_fields, "surprise"]), values, max_size=4)


def outcome(body: dict[str, Any]) -> Create | str | None:
    """The command, or the field of the refusal."""
    try:
        return command_of(body)
    except CommandError as error:
        param: str | None = refusal(error).body["error"]["param"]
        return param


def test_every_failure_has_a_status_and_no_other() -> None:
    assert FAILED.keys() == FAILURES.keys()
    assert CODES.keys() <= REFUSALS.keys()


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_has_openais_form(code: str) -> None:
    reply = refusal(CommandError(code, "input", retry_after=0.2))
    assert reply.status == REFUSALS[code][0]
    error = reply.body["error"]
    assert (set(error), error["param"]) == (FIELDS, "input")
    assert error["type"] in ("invalid_request_error", "server_error", "requests")
    assert reply.headers == {"retry-after": "1"}


@pytest.mark.parametrize("code", [*FAILURES, "of another version"])
def test_a_failure_has_openais_form(code: str) -> None:
    reply = failure(code)
    assert set(reply.body["error"]) == FIELDS
    assert reply.headers.get("x-should-retry") in (None, "true", "false")
    assert reply.status < 500 or reply.headers
    assert failure(code, has_key=True).headers == {"x-should-retry": "false"}


@given(bodies)
def test_each_body_is_a_command_or_refused_by_the_name_of_a_field(body: dict[str, Any]) -> None:
    assert outcome({"model": MODEL, "input": "?"} | body)
