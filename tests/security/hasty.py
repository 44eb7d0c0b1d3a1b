"""A web server with short deadlines: `python -m tests.security.hasty SECS COMMAND`."""

import sys

from django.core.management import execute_from_command_line

from project.server import limits

if __name__ == "__main__":
    limits.HEADER_SECS = limits.BODY_SECS = limits.MESSAGE_SECS = limits.ANSWER_SECS = int(sys.argv[1])
    execute_from_command_line(sys.argv[3:])  # after the Python of the command
