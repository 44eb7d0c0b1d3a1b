"""`scope["abort"]`: close the connection of a request at once, also if its client does not read."""

from typing import Any

from chat.streaming.backpressure import Application, Receive, Send


class Transports:
    """Outermost of HTTP: it inspects `send`. Behind another server than Daphne or uvicorn it adds nothing."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._application(scope | {"abort": lambda: _abort(send)}, receive, send)


def _abort(send: Any) -> None:
    request = next(iter(getattr(send, "args", ())), None)  # of `partial(Server.handle_reply, request)`
    channel = getattr(request, "channel", None)  # None: Daphne's client has left
    uvicorns = getattr(getattr(send, "__self__", None), "transport", None)
    if channel is not None:
        channel.transport.abortConnection()
    elif uvicorns is not None:
        uvicorns.abort()
