"""Messages become items and messages again: the model's server gets the messages of the client."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chat.api.completions.request import completion_request
from chat.protocol.commands import OF_PROGRAMS
from chat.protocol.messages import messages

HTTPS = "https://example.org/a.png"
DATA = "data:application/pdf;base64,AAAA"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
text_parts = st.builds(lambda text: {"type": "text", "text": text}, texts)
images = st.sampled_from(
    [{"url": HTTPS}, {"url": HTTPS, "detail": "low"}, {"url": "data:image/png;base64,AAAA"}]
)
parts = st.one_of(
    text_parts,
    st.builds(lambda image: {"type": "image_url", "image_url": image}, images),
    st.just({"type": "file", "file": {"file_data": DATA, "filename": "a.pdf"}}),
    st.just({"type": "file", "file": {"file_data": DATA}}),
)
contents = texts | st.lists(parts, max_size=3)
calls = st.lists(
    st.builds(
        lambda number, name, arguments: {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        },
        st.integers(0, 9),
        st.sampled_from(["f", "g"]),
        texts,
    ),
    min_size=1,
    max_size=3,
)
asked = st.builds(
    lambda role, content, name: {"role": role, "content": content} | name,
    st.sampled_from(["system", "developer", "user"]),
    contents,
    st.sampled_from([{}, {"name": "ann"}]),
)
answers = st.builds(lambda content: {"role": "assistant", "content": content}, texts | st.lists(text_parts))
calling = st.builds(
    lambda content, made: {"role": "assistant", "content": content, "tool_calls": made},
    st.none() | texts,
    calls,
)
results = st.builds(
    lambda number, content: {"role": "tool", "tool_call_id": f"call_{number}", "content": content},
    st.integers(0, 9),
    texts | st.lists(text_parts),
)
# as OpenAI's and others' objects have them
extras: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"annotations": [], "audio": None, "reasoning_content": "Hm", "parsed": {"a": 1}}]
)
every = st.lists(
    st.builds(lambda sent, more: sent | more, asked | answers | calling | results, extras), max_size=6
)
END: dict[str, Any] = {"role": "user", "content": "end"}
KEPT = ("role", "content", "name", "tool_calls", "tool_call_id")


def again(*sent: dict[str, Any]) -> list[dict[str, Any]]:
    request = completion_request({"model": "m", "messages": [*sent, END]}, OF_PROGRAMS)
    return messages(request.command.items())[:-1]


def simple(message: dict[str, Any]) -> dict[str, Any]:
    """The message with what is kept, a content of texts as one text."""
    kept = {name: message[name] for name in KEPT if name in message}
    content = kept["content"]
    if isinstance(content, list) and all(part["type"] == "text" for part in content):
        kept["content"] = "".join(part["text"] for part in content)
    return kept


def normal(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The simple messages, in which the calls of neighbours are those of the first."""
    found: list[dict[str, Any]] = []
    for message in map(simple, sent):
        is_only_calls = message["role"] == "assistant" and message["content"] is None
        if is_only_calls and found and found[-1]["role"] == "assistant":
            found[-1] = found[-1] | {"tool_calls": found[-1].get("tool_calls", []) + message["tool_calls"]}
        else:
            found.append(message)
    return found


@given(sent=every)
def test_messages_become_items_and_the_same_messages_again(sent: list[dict[str, Any]]) -> None:
    assert again(*sent) == normal(sent)


def test_the_items_are_those_of_a_response() -> None:
    sent = [{"role": "assistant", "content": "a"}, END | {"name": "ann"}]
    items = completion_request({"model": "m", "messages": sent}, OF_PROGRAMS).command.items()
    assert [(item["role"], item["content"][0]["type"]) for item in items] == [
        ("assistant", "output_text"),
        ("user", "input_text"),
    ]
    assert items[1]["name"] == "ann"


def test_a_refusal_is_a_text_of_the_assistant() -> None:
    assert again({"role": "assistant", "content": None, "refusal": "No."}) == [
        {"role": "assistant", "content": "No."}
    ]
    part = {"type": "refusal", "refusal": "No."}
    assert again({"role": "assistant", "content": [{"type": "text", "text": "Hm. "}, part]}) == [
        {"role": "assistant", "content": "Hm. No."}
    ]


def test_a_stored_file_is_named_by_its_id() -> None:
    sent = {"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]}
    file = {"type": "file", "file": {"file_data": "file:file_1"}}
    assert again(sent) == [{"role": "user", "content": [file]}]
