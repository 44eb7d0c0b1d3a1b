"""Choose the turns of a page from a conversation's tree. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

PER_PAGE = 50  # turns of a path
MAX_ROWS = 200  # with their other versions, and the turns below those


class Tree:
    """Ids by previous id; siblings are oldest first, as given."""

    def __init__(self, pairs: Iterable[tuple[UUID, UUID | None]]) -> None:
        self._previous = dict(pairs)
        self._next: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
        for each, previous in self._previous.items():
            self._next[previous].append(each)

    def __contains__(self, each: UUID) -> bool:
        return each in self._previous

    def newest_path(self) -> list[UUID]:
        """The path of the newest versions, from its first turn."""
        return self._newest_path(None)

    def latest(self) -> list[UUID]:
        """The end of the newest path."""
        return self._newest_path(None)[-PER_PAGE:]

    def below(self, each: UUID) -> list[UUID]:
        """The beginning of the newest path after this turn."""
        return self._newest_path(each)[:PER_PAGE]

    def above(self, each: UUID) -> list[UUID]:
        """The turns before this one, the oldest first."""
        path: list[UUID] = []
        at = self._previous[each]
        while at is not None and len(path) < PER_PAGE:
            path.append(at)
            at = self._previous[at]
        return path[::-1]

    def around(self, each: UUID) -> list[UUID]:
        """A turn with those before it, and the newest path after it."""
        half = PER_PAGE // 2
        return [*self.above(each)[-half:], each, *self.below(each)[:half]]

    def with_versions(self, path: list[UUID]) -> set[UUID]:
        """Add the siblings of a path, the latest turns first, then what follows those.

        All siblings or none, so that their number is right; at most MAX_ROWS.
        """
        chosen, waiting = set(path), list[UUID]()
        for each in reversed(path):
            waiting += self._add(self._previous[each], chosen)
        while waiting:
            waiting = waiting[1:] + self._add(waiting[0], chosen)
        return chosen

    def continues(self, each: UUID, chosen: set[UUID]) -> bool:
        """Whether turns follow, none of which is chosen."""
        return each in self._next and chosen.isdisjoint(self._next[each])

    def _newest_path(self, at: UUID | None) -> list[UUID]:
        path: list[UUID] = []
        while at in self._next:
            at = self._next[at][-1]
            path.append(at)
        return path

    def _add(self, previous: UUID | None, chosen: set[UUID]) -> list[UUID]:
        """Choose the turns after `previous` if there is room; return the added ones, the newest first."""
        if previous is not None and previous not in self._next:
            return []
        added = [each for each in reversed(self._next[previous]) if each not in chosen]
        if len(chosen) + len(added) > MAX_ROWS:
            return []
        chosen.update(added)
        return added
