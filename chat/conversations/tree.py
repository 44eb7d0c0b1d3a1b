"""Choose the turns of a page from a conversation's tree. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

PER_PAGE = 50  # turns of a path
MAX_ROWS = 200  # with their other versions, and the turns below those
PAGE_BYTES = 4 * 1024 * 1024  # of their texts, but at least one turn
VERSIONS_BYTES = 16 * 1024 * 1024  # of one turn with its other versions, which are left out beyond

Sizes = Mapping[UUID, int] | None  # bytes by id; None: of no interest


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

    def around(self, each: UUID) -> tuple[list[UUID], list[UUID]]:
        """The turns before this one with itself, and the newest path after it."""
        half = PER_PAGE // 2
        return [*self.above(each)[-half:], each], self.below(each)[:half]

    def fitting(self, path: list[UUID], sizes: Sizes, *, first: bool) -> list[UUID]:
        """The turns of a path that fit into a page, with their versions: its first ones, or its last ones."""
        room, kept = PAGE_BYTES, list[UUID]()
        for each in path if first else reversed(path):
            room -= _bytes_of(self._versions(each, sizes), sizes)
            if kept and room < 0:
                break
            kept.append(each)
        return kept if first else kept[::-1]

    def with_versions(self, path: list[UUID], sizes: Sizes = None) -> set[UUID]:
        """Add the siblings of a path, the latest turns first, then what follows those.

        All siblings or none, so that their number is right; at most MAX_ROWS. With `sizes`, those alone that
        have one; what follows siblings only as far as PAGE_BYTES.
        """
        chosen, waiting = set(path), list[UUID]()
        for each in reversed(path):
            waiting += self._add(self._versions(each, sizes), chosen)
        room = PAGE_BYTES - _bytes_of(chosen, sizes)
        while waiting:
            following = self._next.get(waiting.pop(0), [])
            if _are_known(following, sizes) and _bytes_of(following, sizes) <= room:
                added = self._add(following, chosen)
                room -= _bytes_of(added, sizes)
                waiting += added
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

    def _versions(self, each: UUID, sizes: Sizes) -> list[UUID]:
        """A turn with its siblings; alone if these are too large, or any has no size."""
        versions = self._next[self._previous[each]]
        fits = _are_known(versions, sizes) and _bytes_of(versions, sizes) <= VERSIONS_BYTES
        return versions if fits else [each]

    def _add(self, versions: list[UUID], chosen: set[UUID]) -> list[UUID]:
        """Choose turns if there is room for all; return the added ones, the newest first."""
        added = [each for each in reversed(versions) if each not in chosen]
        if len(chosen) + len(added) > MAX_ROWS:
            return []
        chosen.update(added)
        return added


def _are_known(ids: Iterable[UUID], sizes: Sizes) -> bool:
    return sizes is None or all(each in sizes for each in ids)


def _bytes_of(ids: Iterable[UUID], sizes: Sizes) -> int:
    return sum(sizes.get(each, 0) for each in ids) if sizes else 0
