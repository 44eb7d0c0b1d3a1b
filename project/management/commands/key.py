"""`manage.py key`: make, list and revoke API keys."""

import argparse
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chat.accounts.api_keys import create_key, revoke_key
from chat.key_models import NAME_CHARS, ApiKey
from chat.protocol import errors
from project.management.users import active_user

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
SPAN = re.compile(r"([1-9][0-9]{0,4})([hd])")
COLUMNS = ("ID", "HINT", "CREATED", "LAST USE", "EXPIRES", "USER", "NAME")


class Command(BaseCommand):
    """Standard output has the key, or the list; what a person reads besides is on the error output."""

    help = (
        "Make, list and revoke API keys. A program that sends a key acts as its user: "
        "`Authorization: Bearer KEY`, which OpenAI's SDKs do with OPENAI_API_KEY=KEY. "
        "`manage.py key create --help` has an example."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="create | list | revoke")
        create = actions.add_parser(
            "create",
            help="make a key, and print it: it is shown only once",
            description=(
                "Make a key, and print it alone on the standard output, as only its digest is stored. "
                "Example: OPENAI_API_KEY=$(manage.py key create --user alice --name laptop --expires 90d)"
            ),
        )
        create.add_argument("--user", required=True, help="the user's name")
        create.add_argument("--name", type=_name, required=True, help="where it is used, as “laptop”")
        create.add_argument(
            "--expires", type=_span, metavar="SPAN", help="after so long: 90d, 12h (default: never)"
        )
        shown = actions.add_parser(
            "list",
            help="list the keys that give access, each on a line",
            description="List the keys that have not ended: tabs between columns, times in UTC.",
        )
        shown.add_argument("--user", help="only this user's")
        revoke = actions.add_parser(
            "revoke",
            help="end keys: their open streams and sockets, too",
            description="End keys at once. Open streams and sockets that use them end within 5 seconds.",
        )
        revoke.add_argument("ids", nargs="+", type=_id, metavar="ID", help="as `manage.py key list` shows")

    def handle(self, **options: Any) -> None:
        """Perform the action."""
        match options["action"]:
            case "create":
                self._create(active_user(options["user"]), options["name"], options["expires"])
            case "list":
                self._list(active_user(options["user"]) if options["user"] else None)
            case "revoke":
                self._revoke(options["ids"])

    def _create(self, user: User, name: str, span: timedelta | None) -> None:
        try:
            key, text = create_key(user, name, timezone.now() + span if span else None)
        except errors.CommandError as error:
            message = f"{user} gets no key: {REMEDIES[error.code]}"
            raise CommandError(message) from error
        self.stdout.write(text)
        until = f"until {_moment(key.expires_at)} UTC" if key.expires_at else "until it is revoked"
        self._say(f"{key} of {user} gives access {until}. It is shown only this once: keep it secret.")

    def _list(self, user: User | None) -> None:
        self.stdout.write("\t".join(COLUMNS))
        found = ApiKey.objects.live().select_related("owner")
        for key in found.filter(owner=user) if user else found:
            moments = map(_moment, (key.created_at, key.last_used_at, key.expires_at))
            fields = (key.id, key.hint, *moments, key.owner.get_username(), key.name)
            self.stdout.write("\t".join(map(str, fields)))

    def _revoke(self, ids: list[UUID]) -> None:
        """All or none: a wrong id is no reason to revoke half of them."""
        keys = ApiKey.objects.in_bulk(ids)
        if unknown := [each for each in ids if each not in keys]:
            message = f"There is no key {unknown[0]}: `manage.py key list` shows them. Nothing is revoked."
            raise CommandError(message)
        for key in keys.values():
            self._say(f"{key} is revoked." if revoke_key(key) else f"{key} had been revoked.")

    def _say(self, text: str) -> None:
        """Write to the error output, without the colour of errors."""
        self.stderr.write(text, style_func=str)


REMEDIES = {
    "account_required": "it is a visitor without an account. Name a user with one.",
    "too_many_keys": "it has as many as one may have. Revoke one: `manage.py key list` shows them.",
    "unauthenticated": "it was deleted a moment ago. Name another user.",
}


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_CHARS or not name.isprintable():
        message = f"choose 1 to {NAME_CHARS} printable characters"
        raise argparse.ArgumentTypeError(message)
    return name


def _span(text: str) -> timedelta:
    found = SPAN.fullmatch(text)
    if found is None:
        message = f"{text!r} is no span: write a number of days or hours, as 90d or 12h"
        raise argparse.ArgumentTypeError(message)
    return int(found[1]) * UNITS[found[2]]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        message = f"{text!r} is no id: `manage.py key list` shows them"
        raise argparse.ArgumentTypeError(message) from None


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"
