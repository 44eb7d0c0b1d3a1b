"""Daphne with less patience than a deployment has: `python -m tests.faults.impatient UNREAD CLOSE …`.

The seconds of `chat/sockets/daphne.py`, then what Daphne's own command line takes.
"""

import sys

from daphne.cli import CommandLineInterface

from chat.sockets import daphne

if __name__ == "__main__":
    daphne.UNREAD_SECS, daphne.CLOSE_SECS = map(int, sys.argv[1:3])
    CommandLineInterface().run(sys.argv[3:])
