"""What can keep `up` from starting; each message names the remedy.

UpError
├── PortError      a port is taken, or not ours to take
├── AddressError   REDIS_URL cannot be read
├── LocalError     the parts that run on this machine are not installed
├── DataDirError   another `up` works in the data directory
└── StartError     a part ended or stayed silent during start-up
"""


class UpError(Exception):
    """The base of them all: the command shows its text and ends with exit code 1."""


class PortError(UpError):
    """A port cannot be used."""


class AddressError(UpError):
    """An address from the environment is not one."""


class LocalError(UpError):
    """An embedded part is not installed or does not exist for this platform."""


class DataDirError(UpError):
    """The data directory is in use."""


class StartError(UpError):
    """A part did not become ready."""
