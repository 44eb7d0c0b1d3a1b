"""Which process of a run takes which file: few start the same system, some begin with the fast tier."""

import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from xdist.scheduler import LoadFileScheduling

# processes that may start the system which the files of a folder share; more only at the end
SHARED: Mapping[str, int] = {
    "tests/browser/": 3,
    "tests/e2e/": 2,
    "tests/faults/": 3,
    "tests/sdk/": 1,
    "tests/security/": 1,
}
CORES = os.cpu_count() or 1
FAST = CORES + 1  # processes of the fast tier alone
WAITING = 3 * CORES  # processes that begin with the slow files, most of which wait most of the time
WORKING = CORES  # processes that begin with the fast tier, which hardly waits


class Affinity(LoadFileScheduling):
    """Files in their order, or in the reverse one; one that shares a system goes to a process that has it."""

    def _assign_work_unit(self, node: Any) -> None:
        mine = self.assigned_work[node]
        others = [work for each, work in self.assigned_work.items() if each is not node]
        files = [*self.workqueue] if begins_slow(node.gateway.id) else [*reversed(self.workqueue)]
        self.workqueue.move_to_end(choose(files, mine, others), last=False)
        super()._assign_work_unit(node)


def begins_slow(process: str) -> bool:
    """Whether a process, by xdist's name for it, begins with the first files, which are slow."""
    return int(process.removeprefix("gw")) < WAITING


def choose(waiting: Collection[str], mine: Iterable[str], others: Iterable[Iterable[str]]) -> str:
    """The file for a process: one whose system it has; else one whose system few have; else the first."""
    has = {system_of(file) for file in mine}
    in_use = [{system_of(file) for file in work} for work in others]

    def suits(file: str) -> bool:
        system = system_of(file)
        return not system or sum(system in systems for systems in in_use) < SHARED[system]

    shared = (file for file in waiting if system_of(file) and system_of(file) in has)
    return next(shared, None) or next(filter(suits, waiting), None) or next(iter(waiting))


def system_of(file: str) -> str:
    """The folder whose files share a system; empty for any other file."""
    return next((folder for folder in SHARED if file.startswith(folder)), "")
