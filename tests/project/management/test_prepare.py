"""The command `prepare` of `manage.py up`."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from chat.key_models import ApiKey
from project.up import guest_key

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("guests", "keys"), [(True, 1), (False, 0)])
def test_a_key_is_made_where_there_are_guests_and_never_printed(
    settings: Settings, tmp_path: Path, guests: bool, keys: int
) -> None:
    settings.TAILRACE_DATA_DIR = tmp_path
    settings.TAILRACE_GUESTS, settings.TAILRACE_GUEST_KEYS = guests, True
    out = StringIO()
    call_command("prepare", stdout=out, stderr=out)
    assert ApiKey.objects.count() == keys
    text = guest_key.read(tmp_path)
    assert bool(text) == guests
    assert "No migrations to apply" in out.getvalue()
    assert "tr_" not in out.getvalue()
