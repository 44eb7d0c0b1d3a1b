"""Daphne with less patience than a deployment has: `python -m tests.faults.impatient UNREAD CLOSE …`.

The seconds of `chat/peer.py`, then what Daphne's own command line takes.
"""

import sys

from daphne.cli import CommandLineInterface

from chat import peer

if __name__ == "__main__":
    peer.UNREAD_SECS, peer.CLOSE_SECS = map(int, sys.argv[1:3])
    CommandLineInterface().run(sys.argv[3:])
