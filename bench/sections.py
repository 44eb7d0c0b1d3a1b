"""The benchmark's sections: names, keys in the JSON, durations."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench import (
    api,
    capacity,
    comparison,
    databases,
    first_token,
    idle,
    memory,
    operations,
    scaling,
    start_up,
    sweeps,
    tidying,
)
from bench.ground import Ground
from bench.loader import Figures


@dataclass(frozen=True, slots=True)
class Section:
    """One section, selected by its name."""

    name: str
    key: str  # in the JSON
    secs: int  # about, on two cores
    measured: Callable[[Ground], Awaitable[Figures]]


ALL = (
    Section("comparison", "designs", 180, comparison.measured),
    Section("first-token", "first_token", 60, first_token.measured),
    Section("api", "api", 180, api.measured),
    Section("sweeps", "sweeps", 400, sweeps.measured),
    Section("capacity", "capacity", 480, capacity.measured),
    Section("scaling", "scaling", 300, scaling.measured),
    Section("idle", "idle", 60, idle.measured),
    Section("memory", "memory", 60, memory.measured),
    Section("start-up", "start_up", 25, start_up.measured),
    Section("operations", "operations", 45, operations.measured),
    Section("databases", "databases", 120, databases.measured),
    Section("tidying", "tidying", 200, tidying.measured),
)
SECTIONS = {section.name: section for section in ALL}
QUICK = ("comparison",)
