"""Wires the parts: settings, addresses, the ASGI application, Celery, and `manage.py up`."""

from project.celery import app as celery_app

__all__ = ["celery_app"]
