"""The connection of a request, as far as its application may use it.

`scope["abort"]` closes it at once, also if its client does not read. `scope["release"]` drops the server's
copy of the body, which the application has received.
"""

from typing import Any

from chat.streaming.backpressure import Application, Receive, Send


class Transports:
    """Outermost of HTTP: it inspects `send`. Behind another server than Daphne or uvicorn it adds nothing."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        more = {"abort": lambda: _abort(send), "release": lambda: _release(send)}
        await self._application(scope | more, receive, send)


def _abort(send: Any) -> None:
    request = _request(send)
    channel = getattr(request, "channel", None)  # None: Daphne's client has left
    uvicorns = getattr(getattr(send, "__self__", None), "transport", None)
    if channel is not None:
        channel.transport.abortConnection()
    elif uvicorns is not None:
        uvicorns.abort()


def _release(send: Any) -> None:
    request = _request(send)
    if getattr(request, "channel", None) is not None:
        request.release_body()


def _request(send: Any) -> Any:
    """Daphne's request; None behind another server."""
    return next(iter(getattr(send, "args", ())), None)  # of `partial(Server.handle_reply, request)`
