"""Judge the replies of Redis."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from project.doctor.finding import Finding, error, ok, warning
from project.redis_urls import is_verified, tls_options

SLOW_SECS = 0.005  # one round trip per flush, at least 9 ms apart
TOO_SLOW_SECS = 0.25  # text stutters
FULL, ALMOST_FULL = 0.95, 0.8  # of the memory; a full Redis refuses writes
OLDEST = {"Redis": (6, 2), "Valkey": (7, 2)}  # the first with all needed commands
REMEDIES = {
    "AuthenticationError": "Correct user and password in REDIS_URL.",
    "NoPermissionError": "Give the user of REDIS_URL all commands, keys and channels (ACL SETUSER).",
    "TimeoutError": "It connects but does not reply: check its host (frozen, swapping, a firewall).",
    "BusyLoadingError": "It is loading its data: check again in a minute.",
    "ReadOnlyError": "Name the primary in REDIS_URL, not a replica.",
    "OutOfMemoryError": "Raise maxmemory, or give it more memory.",
    "MovedError": "Name a Redis that is no cluster in REDIS_URL.",
}


def tls(url: str) -> list[Finding]:
    """Check that the server must show a trusted certificate; nothing without TLS."""
    if tls_options(url) is None:
        return []
    if is_verified(url):
        return [ok("Redis TLS", "the certificate is verified")]
    remedy = "Remove ssl_cert_reqs from REDIS_URL; ssl_ca_certs=FILE names a private authority."
    return [warning("Redis TLS", "the certificate is not verified: any server gets the password", remedy)]


def version(info: Mapping[str, Any]) -> Finding:
    """Check for exclusive ranges and SET with GET."""
    name = "Valkey" if "valkey_version" in info else "Redis"
    text = str(info.get(f"{name.lower()}_version", ""))
    numbers = tuple(int(number) for number in text.split(".")[:2] if number.isdecimal())
    oldest = ".".join(map(str, OLDEST[name]))
    remedy = f"Use {name} {oldest} or later: logs and heartbeats need its ranges and SET with GET."
    if not numbers:
        return warning("Redis version", "unknown", remedy)
    if numbers < OLDEST[name]:
        return error("Redis version", f"{name} {text}", remedy)
    return ok("Redis version", f"{name} {text}")


def commands(refused: Mapping[str, str]) -> Finding:
    """Check that no needed command is refused."""
    if not refused:
        return ok("Redis commands", "all that are needed")
    found = ", ".join(f"{name} refused ({reason})" for name, reason in refused.items())
    reason = next(iter(refused.values()))
    remedy = REMEDIES.get(reason, "Use Redis 6.2, Valkey 7.2 or later, and read its log.")
    return error("Redis commands", found, remedy)


def eviction(info: Mapping[str, Any]) -> Finding:
    """Check for noeviction, also without a memory limit."""
    policy = str(info.get("maxmemory_policy", "unknown"))
    if policy == "noeviction":
        return ok("Redis eviction", policy)
    remedy = "Set maxmemory-policy noeviction: an evicted key is a lost answer, and no cache may share it."
    return error("Redis eviction", policy, remedy)


def persistence(info: Mapping[str, Any], config: Mapping[str, str]) -> Finding:
    """Check for an appendonly file; without it warn.

    Workers restore lost logs, the reaper lost jobs: a restart of Redis alone costs seconds, one of Redis and
    workers the text so far. Snapshots are no better: they lack the newest events.
    """
    if not info.get("aof_enabled"):
        return _without_appendonly(config)
    if info.get("aof_last_write_status", "ok") != "ok":
        remedy = "Make room on its disk: until then it refuses every write."
        return error("Redis persistence", "the appendonly file cannot be written", remedy)
    if config.get("appendfsync") == "no":
        remedy = "Set appendfsync everysec: a power cut loses up to half a minute of answers."
        return warning("Redis persistence", "appendonly, fsync left to the system", remedy)
    return ok("Redis persistence", f"appendonly, fsync {config.get('appendfsync', 'unknown')}")


def _without_appendonly(config: Mapping[str, str]) -> Finding:
    remedy = "Set appendonly yes: a crash of Redis and workers together loses the text of running answers."
    if "save" not in config:
        return warning("Redis persistence", "no appendonly file", remedy)
    intervals = [int(number) for number in config["save"].split()[::2]]
    if not intervals:
        return warning("Redis persistence", "none", remedy)
    found = f"snapshots only: up to {max(intervals) / 60:g} min are lost"
    remedy = "Set appendonly yes: jobs and stops of that time are lost, and answers are written again."
    return warning("Redis persistence", found, remedy)


def latency(ping_secs: Sequence[float]) -> Finding:
    """Judge the median of the PINGs."""
    median = statistics.median(ping_secs)
    found = f"{median * 1000:.1f} ms"
    if median > TOO_SLOW_SECS:
        remedy = "Bring Redis into the zone of web and workers, and check its machine's load."
        return error("Redis latency", found, remedy)
    if median > SLOW_SECS:
        remedy = "Bring Redis nearer, or lower its machine's load: text comes in larger pieces."
        return warning("Redis latency", found, remedy)
    return ok("Redis latency", found)


def memory(info: Mapping[str, Any]) -> Finding:
    """Judge the used part of maxmemory, or of the machine's memory."""
    limit = info.get("maxmemory") or info.get("total_system_memory") or 0
    used = info.get("used_memory", 0)
    whose = "maxmemory" if info.get("maxmemory") else "the machine's memory"
    if not limit:
        return ok("Redis memory", f"{_mebibytes(used)}, no known limit")
    found = f"{_mebibytes(used)} of {_mebibytes(limit)} ({whose})"
    remedy = "Give it more memory: a full Redis refuses every write."
    if used > limit * FULL:
        return error("Redis memory", found, remedy)
    if used > limit * ALMOST_FULL:
        return warning("Redis memory", found, remedy)
    if not info.get("maxmemory"):
        remedy = "Set maxmemory below it: without a limit the system ends Redis when memory is short."
        return warning("Redis memory", found, remedy)
    return ok("Redis memory", found)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
