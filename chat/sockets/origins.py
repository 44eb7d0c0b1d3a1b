"""Which pages may open a socket: a browser sends cookies from any page, so the page's origin decides."""

from typing import Any

from channels.security.websocket import OriginValidator


class SocketOrigins(OriginValidator):
    """Full origins (scheme, host and port) from the settings. No Origin header means no browser: let in."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        """Whether a socket from this origin may be opened."""
        return parsed_origin is None or bool(self.validate_origin(parsed_origin))
