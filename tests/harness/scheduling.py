"""Which process of a run takes which file of tests: few processes start the same system."""

from collections.abc import Iterator, Mapping

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# processes that may start the system which the files of a folder share
SHARED: Mapping[str, int] = {"tests/browser/": 2, "tests/e2e/": 2, "tests/faults/": 2}


class Affinity(LoadFileScheduling):
    """Files in their order; but one that shares a system goes to a process that has it, up to the limit."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        scopes = self.workqueue
        scopes.move_to_end(next(self._suitable(node), next(iter(scopes))), last=False)
        super()._assign_work_unit(node)

    def _suitable(self, node: WorkerController) -> Iterator[str]:
        has = {system for scope in self.assigned_work[node] if (system := system_of(scope))}
        yield from (scope for scope in self.workqueue if system_of(scope) in has)
        yield from (scope for scope in self.workqueue if self._may_start(system_of(scope)))

    def _may_start(self, system: str) -> bool:
        used = sum(any(system_of(scope) == system for scope in work) for work in self.assigned_work.values())
        return not system or used < SHARED[system]


def system_of(scope: str) -> str:
    """The folder whose files share a system; empty for any other file."""
    return next((folder for folder in SHARED if scope.startswith(folder)), "")
