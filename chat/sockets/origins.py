"""Origins that may open a socket: browsers send cookies with any page's requests."""

from typing import Any

from channels.security.websocket import OriginValidator


class SocketOrigins(OriginValidator):
    """Compares full origins: scheme, host, port. A client without Origin is no browser and is accepted."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        """Whether this origin may open a socket."""
        return parsed_origin is None or bool(self.validate_origin(parsed_origin))
