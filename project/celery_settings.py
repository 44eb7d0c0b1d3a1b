"""Celery's settings, and no other: `celery report` and Flower show all that a worker has.

Without Django's settings, so that Flower runs without their secrets.
"""

from typing import Any

from project.redis_urls import tls_options


def broker_settings(url: str, prefix: str) -> dict[str, Any]:
    """The broker at a `redis_url`, for workers, senders and Flower."""
    return {
        "broker_url": url,
        "broker_use_ssl": tls_options(url),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # survive any outage
        "broker_channel_error_retry": True,  # and a broker that rejects: full, or a replica
        "broker_transport_options": {
            "socket_connect_timeout": 2,  # seconds
            "socket_timeout": 5,  # seconds, if the broker does not reply
            "socket_keepalive": True,
            "ack_emulation": False,  # a lost message does no harm
            "global_keyprefix": f"{prefix}:",
        },
        "task_serializer": "json",
        "accept_content": ["json"],
    }


def task_settings(concurrency: int) -> dict[str, Any]:
    """Tasks, and worker processes with this many at once."""
    return {
        "imports": ["workers.tasks"],
        "task_ignore_result": True,  # the row is the result
        "task_send_sent_event": True,
        "task_track_started": True,
        "task_acks_late": False,  # a second delivery does nothing
        "worker_pool": "threads",
        "worker_concurrency": concurrency,
        "worker_disable_prefetch": True,  # jobs wait in the queue, for any worker
        "worker_send_task_events": True,
    }
