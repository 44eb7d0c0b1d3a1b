"""`manage.py webhook`: create, list, test, enable and delete webhooks."""

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.ids import EVENT, RESPONSE, new_id, wire_id
from chat.webhook_models import Webhook
from chat.webhooks import events
from chat.webhooks.registration import create_webhook
from project.management.users import active_user
from workers.webhooks.posting import Reply, post

COLUMNS = ("ID", "CREATED", "STATE", "WAITING", "USER", "NAME", "EVENTS")


class Command(BaseCommand):
    """Standard output has the secret, or the list; what a person reads besides is on the error output."""

    help = (
        "Create, list, test, enable and delete webhooks: addresses that get a signed POST when a response of "
        "their user ends. OpenAI's SDKs verify it: `client.webhooks.unwrap(body, headers, secret=…)`. "
        "`manage.py webhook create --help` has an example."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="create | list | test | enable | delete"
        )
        create = actions.add_parser(
            "create",
            help="register an address, and print the secret of its signatures: it is shown only once",
            description=(
                "Register an address, and print its secret alone on the standard output. Example: "
                "manage.py webhook create --user alice --url https://example.org/hook"
            ),
        )
        create.add_argument("--user", required=True, help="the user's name")
        create.add_argument("--url", required=True, help="https, or with TAILRACE_WEBHOOK_PRIVATE also http")
        create.add_argument("--name", default="", help="for the list")
        create.add_argument(
            "--events", nargs="+", choices=events.TYPES, default=events.TYPES, help="default: all"
        )
        shown = actions.add_parser(
            "list",
            help="list the webhooks, each on a line",
            description="List the webhooks, without their addresses, which may hold a secret: tabs between "
            "columns, times in UTC. WAITING: events that are not delivered yet.",
        )
        shown.add_argument("--user", help="only this user's")
        for action, does in (
            ("test", "post an event without a response, at once, and show the outcome"),
            ("enable", "deliver further events to a webhook that was disabled"),
            ("delete", "delete a webhook, and its events that are not delivered yet"),
        ):
            actions.add_parser(action, help=does, description=f"{does[0].upper()}{does[1:]}.").add_argument(
                "id", metavar="ID", help="as `manage.py webhook list` shows"
            )

    def handle(self, **options: Any) -> None:
        """Perform the action."""
        match options["action"]:
            case "create":
                owner = active_user(options["user"])
                self._create(owner, options["url"], options["events"], options["name"])
            case "list":
                own = Webhook.objects.select_related("owner")
                self._list(own.filter(owner=active_user(options["user"])) if options["user"] else own)
            case "test":
                self._test(_webhook(options["id"]))
            case "enable":
                webhook = _webhook(options["id"])
                Webhook.objects.filter(pk=webhook.pk).enable()
                self._say(f"Webhook {webhook.wire_id} is enabled.")
            case "delete":
                webhook = _webhook(options["id"])
                self._say(f"Webhook {webhook.wire_id} is deleted.")
                webhook.delete()

    def _create(self, owner: User, url: str, kinds: list[str], name: str) -> None:
        try:
            webhook = create_webhook(owner, url, kinds, name)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(webhook.secret)
        self._say(
            f"Webhook {webhook.wire_id} of {owner} has this secret, which is shown only this once. "
            f"Try it: manage.py webhook test {webhook.wire_id}"
        )

    def _list(self, webhooks: Iterable[Webhook]) -> None:
        self.stdout.write("\t".join(COLUMNS))
        for webhook in webhooks:
            created, state, waiting = _moment(webhook.created_at), _state(webhook), webhook.deliveries.count()
            names = (webhook.owner.get_username(), webhook.name, ",".join(webhook.events))
            self.stdout.write("\t".join(map(str, (webhook.wire_id, created, state, waiting, *names))))

    def _test(self, webhook: Webhook) -> None:
        reply = asyncio.run(_tried(webhook))
        if not reply.accepted:
            message = f"Webhook {webhook.wire_id} has not accepted the event: {reply}."
            raise CommandError(message)
        self._say(f"Webhook {webhook.wire_id} has accepted the event: {reply}.")

    def _say(self, text: str) -> None:
        """Write to the error output, without the colour of errors."""
        self.stderr.write(text, style_func=str)


async def _tried(webhook: Webhook) -> Reply:
    event, now = wire_id(EVENT, new_id()), time.time()
    content = events.body(event, webhook.events[0], now, wire_id(RESPONSE, new_id()))
    return await post(webhook.url, content, events.headers(event, content, webhook.secret, now))


def _webhook(text: str) -> Webhook:
    try:
        return Webhook.objects.get(pk=text)
    except (Webhook.DoesNotExist, ValidationError):
        message = f"There is no webhook {text}: `manage.py webhook list` shows them."
        raise CommandError(message) from None


def _state(webhook: Webhook) -> str:
    if webhook.disabled_at:
        return f"disabled {_moment(webhook.disabled_at)} ({webhook.last_failure})"
    if webhook.failing_since:
        return f"failing since {_moment(webhook.failing_since)} ({webhook.last_failure})"
    return "works"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
