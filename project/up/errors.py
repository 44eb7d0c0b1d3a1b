"""The errors that keep `up` from starting; each message names the remedy.

UpError
├── PortError      a port is taken, or needs more rights
├── AddressError   REDIS_URL cannot be read
├── LocalError     the parts that run on this machine are not installed
├── DataDirError   another `up` uses the data directory
└── StartError     a part ended or was not ready during start-up
"""


class UpError(Exception):
    """The base error: the command shows its text and exits with code 1."""


class PortError(UpError):
    """A port cannot be used."""


class AddressError(UpError):
    """An address from the environment is malformed."""


class LocalError(UpError):
    """An embedded part is not installed or does not exist for this platform."""


class DataDirError(UpError):
    """The data directory is in use."""


class StartError(UpError):
    """A part did not become ready."""
