"""Conversations by the official SDK: every reply is judged by OpenAI's document."""

import asyncio

import pytest
from openai import AsyncOpenAI, ConflictError, NotFoundError, OpenAI

from tests.harness.stack import Stack
from tests.harness.waiting import deadline

MODEL = "scripted"


def test_a_conversation_remembers_what_was_added_and_asked(client: OpenAI, stack: Stack) -> None:
    conversation = client.conversations.create(
        metadata={"topic": "pond"},
        items=[
            {"type": "message", "role": "developer", "content": "Be brief."},
            {"type": "message", "role": "user", "content": "Which pond?"},
            {"type": "message", "role": "assistant", "content": "The small one."},
        ],
    )
    name = conversation.id
    prompts = ["[echo] How deep?", "[echo] How wide?"]
    for prompt in prompts:
        response = client.responses.create(model=MODEL, input=prompt, conversation=name)
        assert response.conversation is not None
        assert response.conversation.id == name
    asked = stack.upstream.requests(prompts[-1])[-1]
    roles = [message["role"] for message in asked.messages]
    assert roles == ["developer", "user", "assistant", "user", "assistant", "user"]
    items = list(client.conversations.items.list(name, order="asc", limit=2))  # pages of two
    assert [item.role for item in items if item.type == "message"] == [*roles, "assistant"]
    assert len({item.id for item in items}) == 7
    last = client.conversations.items.retrieve(items[-1].id or "", conversation_id=name)
    assert last == items[-1]
    client.conversations.items.delete(items[-1].id or "", conversation_id=name)
    assert len(list(client.conversations.items.list(name))) == 6
    assert client.conversations.update(name, metadata={"title": "Ponds"}).metadata == {"title": "Ponds"}
    assert client.conversations.delete(name).deleted
    with pytest.raises(NotFoundError):
        client.conversations.retrieve(name)


async def test_a_running_conversation_is_locked_and_goes_on(async_client: AsyncOpenAI, stack: Stack) -> None:
    client = async_client
    conversation = await client.conversations.create()
    prompt = f"[hold-after-2+words-4] {conversation.id}"
    async with asyncio.timeout(deadline(60)):
        stream = await client.responses.create(
            model=MODEL, input=prompt, conversation=conversation.id, stream=True
        )
        async for event in stream:
            if event.type == "response.output_text.delta":
                break
        with pytest.raises(ConflictError):
            await client.conversations.items.create(
                conversation.id, items=[{"type": "message", "role": "user", "content": "And?"}]
            )
        with pytest.raises(ConflictError):
            await client.responses.create(model=MODEL, input="[echo] Now", conversation=conversation.id)
        await asyncio.to_thread(stack.upstream.release, prompt)
        async for _ in stream:
            pass
        response = await client.responses.create(
            model=MODEL, input="[echo] Now", conversation=conversation.id
        )
    assert response.output_text == "Now"
