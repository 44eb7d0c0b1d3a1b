"""Search the largest number that passes: double until one fails, then halve the rest. Pure."""

from dataclasses import dataclass, replace

FIRST = 80
TOLERANCE = 0.08  # between both, as a part of the passed


@dataclass(frozen=True, slots=True)
class Bracket:
    """The largest number that passed, and the smallest that failed."""

    passed: int = 0
    failed: int | None = None

    def guess(self) -> int | None:
        """The next number to try; None when narrow enough."""
        if self.failed is None:
            return self.passed * 2 or FIRST
        if self.failed - self.passed <= max(1, TOLERANCE * self.passed):
            return None
        return (self.passed + self.failed) // 2

    def after(self, number: int, *, is_ok: bool) -> "Bracket":
        """Return the bracket after trying this number."""
        return replace(self, passed=number) if is_ok else replace(self, failed=number)
