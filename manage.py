#!/usr/bin/env python
"""`manage.py up` starts everything, `help` lists the rest."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    """Run it; for unusable settings, exit with their sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        settings.INSTALLED_APPS  # noqa: B018 - reads the settings
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
