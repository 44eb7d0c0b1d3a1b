"""The replies of completions that do not stream: the object, or an error's status."""

from chat.api import errors
from chat.api.completions.completion import completion
from chat.api.exchange import KEY_HEADER, Exchange
from chat.protocol.errors import CommandError
from chat.protocol.objects import ResponseObject


async def reply_ended(exchange: Exchange, response: ResponseObject) -> None:
    """Reply with the completion of a response that has ended. Raises CommandError as `reply_failed`."""
    if response["status"] in ("completed", "incomplete"):
        await exchange.reply(completion(response))
    else:
        await reply_failed(exchange, response)


async def reply_failed(exchange: Exchange, response: ResponseObject | None) -> None:
    """Reply with the status of a failure, so that SDKs raise their errors, and retry what may succeed.

    Raises CommandError for a response that was cancelled or, without an object, deleted.
    """
    if response is None:
        raise CommandError("response_not_found", "completion_id")
    error = response["error"]
    if error is None:
        exchange.reply_headers["x-should-retry"] = "false"
        raise CommandError("response_cancelled")
    reply = errors.failure(error["code"], has_key=KEY_HEADER in exchange.headers)
    await exchange.reply(reply.body, reply.status, reply.headers)
