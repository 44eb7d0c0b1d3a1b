"""The Celery application; `celery -A project worker` needs no flags."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from chat.responses.model_catalog import ModelConfig, catalog
from chat.responses.model_keys import faults
from chat.transport.job_queue import TITLES, WEBHOOKS
from project import broker
from project.celery_settings import broker_settings, task_settings
from project.postgres.serving import serve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # workers ignore their result, and they import all pages
broker.install()

app = Celery("tailrace")
app.add_defaults(
    lambda: {
        **broker_settings(settings.TAILRACE_BROKER_URL, settings.TAILRACE_PREFIX),
        **task_settings(settings.TAILRACE_CONCURRENCY),
    }
)


@setup_logging.connect
def keep_logging_settings(**_: Any) -> None:
    """Do nothing: without a receiver Celery would override LOG_LEVEL."""


@celeryd_init.connect
def pool_connections(**_: Any) -> None:
    """Pool this worker's database connections."""
    serve("worker")


@celeryd_init.connect
def consume_every_queue(conf: Any, options: Mapping[str, Any], **_: Any) -> None:
    """Serve all queues without `-Q`; exit if the models, or keys of the served ones, are unusable."""
    try:
        models = catalog().values()
    except ImproperlyConfigured as error:  # Celery would only log it
        message = f"{error}\nThis worker cannot start: correct the file, or unset TAILRACE_MODELS."
        raise SystemExit(message) from error
    if unusable := faults(_served(models, options), os.environ):
        message = f"{'; '.join(unusable)}.\nThis worker cannot start: correct the environment or the models."
        raise SystemExit(message)
    names = sorted({TITLES, WEBHOOKS, *(model.queue for model in models)})
    conf.task_queues = [Queue(name, Exchange(name), routing_key=name) for name in names]


def _served(models: Iterable[ModelConfig], options: Mapping[str, Any]) -> list[ModelConfig]:
    """The models of the queues of `-Q`, or of all, without those of `-X`."""
    only, never = options.get("queues"), options.get("exclude_queues") or ()
    return [
        model
        for model in models
        if any((not only or queue in only) and queue not in never for queue in _queues_of(model))
    ]


def _queues_of(model: ModelConfig) -> tuple[str, ...]:
    return (model.queue, TITLES) if model.name == settings.TAILRACE_TITLE_MODEL else (model.queue,)
