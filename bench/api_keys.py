"""Store users with an API key each, and print the keys: `python -m bench.api_keys 50`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402

from chat.accounts.api_keys import create_key  # noqa: E402

if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        print(create_key(User.objects.create_user(f"program-{number}"), "bench")[1])
