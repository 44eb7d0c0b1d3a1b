"""Store a long conversation, and open it."""

from playwright.async_api import Page, expect

from tests.browser.visitor import become_guest, open_page
from tests.harness.stack import Stack
from tests.harness.upstream import text_of

STORE = """
import json, sys, django
django.setup()
from chat.ids import new_id
from chat.models import Conversation, Response
def message(role, kind, text):
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
owner, count = map(int, sys.argv[1:3])
conversation = Conversation.objects.create(owner_id=owner, title="long")
ids = [new_id() for _ in range(count)]
Response.objects.bulk_create([
    Response(
        id=ids[number], previous_id=ids[number - 1] if number else None,
        conversation=conversation, owner_id=owner, model="scripted", status="completed", answered=True,
        input=[message("user", "input_text", f"question {number}")],
        items=[message("assistant", "output_text", f"answer {number}{sys.argv[3]}")],
        asked=f"question {number}", output=f"answer {number}{sys.argv[3]}",
    )
    for number in range(count)
])
print(conversation.wire_id)
"""


async def open_long(page: Page, stack: Stack, count: int, words: int = 0) -> None:
    """Open a conversation of so many turns; each answer has so many words of Markdown below its number."""
    await become_guest(page, stack)
    await open_page(page, stack)
    owner = await page.locator("body").get_attribute("data-owner")
    text = f"\n\n{text_of(f'article-{words}')}" if words else ""
    conversation = stack.run("-c", STORE, str(owner), str(count), text).strip()
    await page.goto(f"{stack.url}/conversations/{conversation}/")
    await expect(page.locator("article.turn").last).to_contain_text(f"answer {count - 1}")
