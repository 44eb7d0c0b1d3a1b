"""Wires settings, URLs, ASGI, Celery, `manage.py up` and `manage.py doctor`."""

from project.celery import app as celery_app

__all__ = ["celery_app"]
