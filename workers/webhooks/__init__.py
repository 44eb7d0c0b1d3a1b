"""Delivery of events to webhooks.

For `tasks`, `runtime` and `manage.py webhook`.
Start with `deliveries.py`.
"""
