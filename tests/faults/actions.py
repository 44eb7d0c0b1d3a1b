"""The faults of the nemesis: each is injected into a harness, repaired, and then the function returns."""

import random
import time
from collections.abc import Callable

from tests.faults.harness import Harness
from tests.faults.proxy import Proxy, some_and_the_last

Fault = Callable[[Harness, random.Random], None]


def a_worker_is_killed(harness: Harness, dice: random.Random) -> None:
    """Then another one starts."""
    harness.kill_worker(dice.choice(harness.workers))
    harness.wait_for_worker(harness.start_worker())


def a_worker_is_stopped(harness: Harness, dice: random.Random) -> None:
    """As in a deployment: another one has started before."""
    leaving = dice.choice(harness.workers)
    harness.wait_for_worker(harness.start_worker())
    assert harness.stop_worker(leaving) == 0


def a_worker_freezes(harness: Harness, dice: random.Random) -> None:
    """For longer than its heartbeat lasts: it wakes up as a zombie."""
    frozen = dice.choice(harness.workers)
    harness.stack.processes[frozen].freeze()
    time.sleep(dice.uniform(7, 12))
    harness.stack.processes[frozen].thaw()


def the_web_server_is_killed(harness: Harness, dice: random.Random) -> None:
    """It starts again."""
    harness.stack.processes["web"].kill()
    harness.start_web()


def the_web_server_is_stopped(harness: Harness, dice: random.Random) -> None:
    """As in a deployment."""
    harness.stack.processes["web"].stop()
    harness.start_web()


def redis_is_killed(harness: Harness, dice: random.Random) -> None:
    """It starts again with its data."""
    harness.stack.processes["redis"].kill()
    time.sleep(dice.uniform(0, 3))
    harness.stack.start_redis()


def redis_loses_its_data(harness: Harness, dice: random.Random) -> None:
    """It starts again without its data."""
    harness.stack.processes["redis"].kill()
    harness.delete_data()
    harness.stack.start_redis()


def redis_comes_back_with_older_data(harness: Harness, dice: random.Random) -> None:
    """As after a crash of its machine: the last second was not on disk."""
    harness.back_up_data()
    time.sleep(1)
    harness.stack.processes["redis"].kill()
    harness.restore_older_data()
    harness.stack.start_redis()


def redis_forgets_everything(harness: Harness, dice: random.Random) -> None:
    """All keys, while its connections stay open."""
    harness.stack.redis("FLUSHALL")


def redis_freezes(harness: Harness, dice: random.Random) -> None:
    """For up to eight seconds, which is longer than a heartbeat lasts."""
    harness.stack.processes["redis"].freeze()
    time.sleep(dice.uniform(2, 8))
    harness.stack.processes["redis"].thaw()


def redis_is_full(harness: Harness, dice: random.Random) -> None:
    """It refuses writes for some seconds."""
    harness.stack.redis("CONFIG", "SET", "maxmemory", "1")
    time.sleep(dice.uniform(1, 4))
    harness.stack.redis("CONFIG", "SET", "maxmemory", "0")


def the_connections_to_redis_break(harness: Harness, dice: random.Random) -> None:
    """All connections of the web tier or of the workers, once."""
    _proxy_to_redis(harness, dice).break_connections()


def the_connections_to_redis_are_cut(harness: Harness, dice: random.Random) -> None:
    """For some seconds one tier cannot reach it."""
    proxy = _proxy_to_redis(harness, dice)
    proxy.cut()
    time.sleep(dice.uniform(0.5, 5))
    proxy.mend()


def the_connections_to_redis_stall(harness: Harness, dice: random.Random) -> None:
    """Connections are accepted, and nothing is transferred."""
    proxy = _proxy_to_redis(harness, dice)
    proxy.stall()
    time.sleep(dice.uniform(1, 8))
    proxy.mend()


def the_connections_to_redis_are_slow(harness: Harness, dice: random.Random) -> None:
    """Everything is delayed a little."""
    proxy = _proxy_to_redis(harness, dice)
    proxy.delay(0.05)
    time.sleep(dice.uniform(2, 6))
    proxy.mend()


def notifications_are_lost(harness: Harness, dice: random.Random) -> None:
    """A tenth of them, and the last one of each response."""
    harness.web_to_redis.lose_notifications(some_and_the_last(0.1, dice.randrange(1000)))
    harness.web_to_redis.break_connections()
    time.sleep(dice.uniform(5, 10))
    harness.web_to_redis.mend()


def the_upstream_is_cut(harness: Harness, dice: random.Random) -> None:
    """Answers break off; the model's server is unavailable for a moment."""
    harness.workers_to_upstream.cut()
    time.sleep(dice.uniform(0.1, 1))
    harness.workers_to_upstream.mend()


def the_database_is_locked(harness: Harness, dice: random.Random) -> None:
    """Sometimes for longer than a writer waits."""
    with harness.locked_database():
        time.sleep(dice.uniform(2, 12))


def _proxy_to_redis(harness: Harness, dice: random.Random) -> Proxy:
    return dice.choice([harness.web_to_redis, harness.workers_to_redis])


OF_THE_UPSTREAM: tuple[Fault, ...] = (the_upstream_is_cut,)
ALL: tuple[Fault, ...] = (
    a_worker_is_killed,
    a_worker_is_stopped,
    a_worker_freezes,
    the_web_server_is_killed,
    the_web_server_is_stopped,
    redis_is_killed,
    redis_loses_its_data,
    redis_comes_back_with_older_data,
    redis_forgets_everything,
    redis_freezes,
    redis_is_full,
    the_connections_to_redis_break,
    the_connections_to_redis_are_cut,
    the_connections_to_redis_stall,
    the_connections_to_redis_are_slow,
    notifications_are_lost,
    *OF_THE_UPSTREAM,
    the_database_is_locked,
)
