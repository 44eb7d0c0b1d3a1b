"""A web server with little patience: `python -m tests.faults.impatient UNREAD CLOSE serve …`.

The seconds of `chat/sockets/daphne.py`, then a command of `manage.py`.
"""

import sys

from django.core.management import execute_from_command_line

from chat.sockets import daphne

if __name__ == "__main__":
    daphne.UNREAD_SECS, daphne.CLOSE_SECS = map(int, sys.argv[1:3])
    execute_from_command_line(["manage.py", *sys.argv[3:]])
