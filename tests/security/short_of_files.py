"""A web server with few descriptors: `python -m tests.security.short_of_files COUNT COMMAND`."""

import resource
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
    execute_from_command_line(sys.argv[3:])  # after the Python of the command
