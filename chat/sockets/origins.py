"""Which origins may open a socket: a browser sends its cookies with requests from any page."""

from typing import Any

from channels.security.websocket import OriginValidator


class SocketOrigins(OriginValidator):
    """Compares full origins: scheme, host and port. Accepts a client without Origin: it is no browser."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        """Whether a socket from this origin may be opened."""
        return parsed_origin is None or bool(self.validate_origin(parsed_origin))
