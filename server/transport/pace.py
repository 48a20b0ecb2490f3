"""How long answers will take, from how long they took."""

from typing import Final

_FIRST_STEP: Final = 2.0
_STEP: Final = 1.05
_SETTLE: Final = 0.9  # what is left, after each turn, of how much further than _STEP the next one goes
_FORGET: Final = 0.99
_SIZES: Final = 64  # classes of sizes, each up to twice as large as the one before; more than any machine's memory


class Pace:
    """The usual time that a unit of work takes, in turns of each size: what is scored together shares its costs.

    For turns of about one size it follows the median: each of them moves it by a fixed share towards what it took,
    however far that was, so that one long pause of the machine does not make a server refuse everything; the first ones
    move it further, since the very first one is no measure. A size that was not seen begins where the next smaller one
    is. And each request that is not scored for want of time makes all of it a little shorter, so that in the end one is
    tried again.

    Source: the stochastic approximation of a quantile (Robbins and Monro 1951), with relative steps.
    """

    def __init__(self) -> None:
        # By the bits of the turn's units: the time of one of them, 0 where no such turn was seen; and the next step.
        self._unit_s = [0.0] * _SIZES
        self._steps = [_FIRST_STEP] * _SIZES
        self._largest = 0  # of the sizes seen

    def took(self, unit_count: int, seconds: float) -> None:
        """Notes that so much was scored and answered together in this time."""
        size = unit_count.bit_length()
        unit_s, step = seconds / unit_count, self._steps[size]
        known_s = self._unit_s[size] or self._of_smaller(size)
        if not known_s:
            self._unit_s[size] = unit_s
        else:
            self._unit_s[size] = known_s * step if unit_s > known_s else known_s / step
        self._steps[size] = _STEP + (step - _STEP) * _SETTLE
        self._largest = max(self._largest, size)

    def passed_over(self) -> None:
        """Notes that a request was not scored, because that would have taken too long."""
        self._unit_s = [unit_s * _FORGET for unit_s in self._unit_s]

    def expected_s(self, unit_count: int, beside: int = 0) -> float:
        """How long so much will take in a turn with so much else; 0 before anything was scored."""
        size = min((unit_count + beside).bit_length(), self._largest)
        unit_s = self._unit_s[size] or self._of_smaller(size) or self._of_smallest()
        return unit_s * unit_count

    def _of_smaller(self, size: int) -> float:
        """A unit's time in turns of the next smaller size that was seen; 0 if none was."""
        return next((unit_s for unit_s in reversed(self._unit_s[:size]) if unit_s), 0.0)

    def _of_smallest(self) -> float:
        return next((unit_s for unit_s in self._unit_s if unit_s), 0.0)
