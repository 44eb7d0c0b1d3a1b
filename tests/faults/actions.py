"""The faults that the nemesis chooses from: each does its harm to a rig, heals it again, and returns."""

import random
import time
from collections.abc import Callable

from tests.faults.harness import Rig
from tests.faults.proxy import Proxy, some_and_the_last

Plague = Callable[[Rig, random.Random], None]


def a_worker_is_killed(rig: Rig, dice: random.Random) -> None:
    """Another one starts."""
    rig.kill_worker(dice.choice(rig.workers))
    rig.wait_for_worker(rig.start_worker())


def a_worker_is_stopped(rig: Rig, dice: random.Random) -> None:
    """As in a deploy: another one has started before."""
    leaving = dice.choice(rig.workers)
    rig.wait_for_worker(rig.start_worker())
    assert rig.stop_worker(leaving) == 0


def a_worker_freezes(rig: Rig, dice: random.Random) -> None:
    """For longer than its lease: it wakes up as a zombie."""
    frozen = dice.choice(rig.workers)
    rig.freeze(frozen)
    time.sleep(dice.uniform(7, 12))
    rig.thaw(frozen)


def the_web_server_is_killed(rig: Rig, dice: random.Random) -> None:
    """It starts again."""
    rig.kill_web()
    rig.start_web()


def the_web_server_is_stopped(rig: Rig, dice: random.Random) -> None:
    """As in a deploy."""
    rig.stack.processes["web"].stop()
    rig.start_web()


def redis_is_killed(rig: Rig, dice: random.Random) -> None:
    """It starts again with its data."""
    rig.kill_redis()
    time.sleep(dice.uniform(0, 3))
    rig.start_redis()


def redis_loses_its_data(rig: Rig, dice: random.Random) -> None:
    """It starts again without its data."""
    rig.kill_redis()
    rig.lose_data()
    rig.start_redis()


def redis_comes_back_with_older_data(rig: Rig, dice: random.Random) -> None:
    """As after a crash of its machine: the last second was not on disk."""
    rig.remember_data()
    time.sleep(1)
    rig.kill_redis()
    rig.bring_older_data_back()
    rig.start_redis()


def redis_forgets_everything(rig: Rig, dice: random.Random) -> None:
    """Without an end of its connections."""
    rig.stack.redis("FLUSHALL")


def redis_freezes(rig: Rig, dice: random.Random) -> None:
    """For up to eight seconds, which is longer than a lease."""
    rig.freeze("redis")
    time.sleep(dice.uniform(2, 8))
    rig.thaw("redis")


def redis_is_full(rig: Rig, dice: random.Random) -> None:
    """It takes no writes for some seconds."""
    rig.stack.redis("CONFIG", "SET", "maxmemory", "1")
    time.sleep(dice.uniform(1, 4))
    rig.stack.redis("CONFIG", "SET", "maxmemory", "0")


def a_way_to_redis_breaks(rig: Rig, dice: random.Random) -> None:
    """All connections of the web side or of the workers, once."""
    _way_to_redis(rig, dice).break_connections()


def a_way_to_redis_is_cut(rig: Rig, dice: random.Random) -> None:
    """For some seconds nobody on this side reaches it."""
    way = _way_to_redis(rig, dice)
    way.cut()
    time.sleep(dice.uniform(0.5, 5))
    way.mend()


def a_way_to_redis_falls_mute(rig: Rig, dice: random.Random) -> None:
    """Connections are taken, and nothing comes through."""
    way = _way_to_redis(rig, dice)
    way.stall()
    time.sleep(dice.uniform(1, 8))
    way.mend()


def a_way_to_redis_is_slow(rig: Rig, dice: random.Random) -> None:
    """Everything comes a little later."""
    way = _way_to_redis(rig, dice)
    way.delay(0.05)
    time.sleep(dice.uniform(2, 6))
    way.mend()


def hints_are_lost(rig: Rig, dice: random.Random) -> None:
    """A tenth of them, and the last one of each answer."""
    rig.web_to_redis.lose_hints(some_and_the_last(0.1, dice.randrange(1000)))
    rig.web_to_redis.break_connections()
    time.sleep(dice.uniform(5, 10))
    rig.web_to_redis.mend()


def the_upstream_is_cut(rig: Rig, dice: random.Random) -> None:
    """Answers break off; the model's server is away for a moment."""
    rig.workers_to_upstream.cut()
    time.sleep(dice.uniform(0.1, 1))
    rig.workers_to_upstream.mend()


def the_database_is_locked(rig: Rig, dice: random.Random) -> None:
    """Sometimes for longer than a writer waits."""
    with rig.locked_database():
        time.sleep(dice.uniform(2, 12))


def _way_to_redis(rig: Rig, dice: random.Random) -> Proxy:
    return dice.choice([rig.web_to_redis, rig.workers_to_redis])


OF_THE_UPSTREAM: tuple[Plague, ...] = (the_upstream_is_cut,)
ALL: tuple[Plague, ...] = (
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
    a_way_to_redis_breaks,
    a_way_to_redis_is_cut,
    a_way_to_redis_falls_mute,
    a_way_to_redis_is_slow,
    hints_are_lost,
    *OF_THE_UPSTREAM,
    the_database_is_locked,
)
