"""Check that webhooks accept their events, and that workers deliver them."""

from collections.abc import Sequence

from django.db import Error

from chat.transport.job_queue import WEBHOOKS
from chat.webhook_models import Webhook
from project.doctor import queues
from project.doctor.finding import Finding, ok, warning

SHOWN = 5
REMEDY = "Correct its receiver, and try with `manage.py webhook test ID`."
DISABLED = "Correct its receiver, then `manage.py webhook enable ID`; or `manage.py webhook delete ID`."


def examine() -> list[Finding]:
    """Nothing without webhooks. Raises `outages.UNAVAILABLE`; a database error is a finding."""
    try:
        webhooks = list(Webhook.objects.filter(owner__is_active=True))
    except Error as trouble:
        remedy = "Run `manage.py migrate` first: the table cannot be read."
        return [warning("webhooks", f"not checked ({type(trouble).__name__})", remedy)]
    return [*judged(webhooks), *queues.of({WEBHOOKS})] if webhooks else []


def judged(webhooks: Sequence[Webhook]) -> list[Finding]:
    """Judge webhooks by their last events; the first SHOWN that fail."""
    failing = [webhook for webhook in webhooks if webhook.failing_since or webhook.disabled_at]
    found = [_finding(webhook) for webhook in failing[:SHOWN]]
    return found or [ok("webhooks", f"{len(webhooks)} registered, none has failed last")]


def _finding(webhook: Webhook) -> Finding:
    what = f"webhook {webhook.wire_id}"
    if webhook.disabled_at:
        return warning(what, f"disabled on {webhook.disabled_at:%Y-%m-%d} ({webhook.last_failure})", DISABLED)
    since = f"{webhook.failing_since:%Y-%m-%d %H:%M} UTC"
    return warning(what, f"failing since {since} ({webhook.last_failure})", REMEDY)
