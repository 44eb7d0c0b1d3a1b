#!/usr/bin/env python
"""`manage.py up` starts everything, `help` lists the rest."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
