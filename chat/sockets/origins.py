"""Allowed origins of sockets: browsers send cookies with any page's requests."""

from typing import Any

from channels.security.websocket import OriginValidator


class SocketOrigins(OriginValidator):
    """Compare scheme, host and port. A client without Origin is no browser: accepted."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        """Whether this origin may open a socket."""
        return parsed_origin is None or bool(self.validate_origin(parsed_origin))
