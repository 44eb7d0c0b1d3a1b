"""Errors of start-up; each message names the remedy.

UpError
├── PortError
├── AddressError
├── LocalError
├── ModelError
├── DataDirError
└── StartError
"""


class UpError(Exception):
    """Exit code 1, with this text."""


class PortError(UpError):
    """A port is taken or privileged."""


class AddressError(UpError):
    """REDIS_URL is malformed."""


class LocalError(UpError):
    """An embedded server is not installed, or not available for this platform."""


class ModelError(UpError):
    """--model names no model."""


class DataDirError(UpError):
    """The data directory is in use or not writable."""


class StartError(UpError):
    """A part ended or was not ready."""
