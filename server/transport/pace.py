"""How long answers will take, from how long they took."""

_FIRST_STEP = 2.0
_STEP = 1.05
_SETTLE = 0.9  # what is left, after each turn, of how much further than _STEP the next one goes
_FORGET = 0.99


class Pace:
    """The usual time that a unit of work takes.

    It follows the median: each turn moves it by a fixed share towards what the turn took, however far that was, so that
    one long pause of the machine does not make a server refuse everything; the first turns move it further, since the
    very first one is no measure. And each request that is not scored for want of time makes it a little shorter, so
    that in the end one is tried again.

    Source: the stochastic approximation of a quantile (Robbins and Monro 1951), with relative steps.
    """

    def __init__(self) -> None:
        self._unit_s = 0.0
        self._step = _FIRST_STEP

    def took(self, unit_count: int, seconds: float) -> None:
        """Notes that so much was scored and answered in this time."""
        unit_s = seconds / unit_count
        if not self._unit_s:
            self._unit_s = unit_s
        elif unit_s > self._unit_s:
            self._unit_s *= self._step
        else:
            self._unit_s /= self._step
        self._step = _STEP + (self._step - _STEP) * _SETTLE

    def passed_over(self) -> None:
        """Notes that a request was not scored, because that would have taken too long."""
        self._unit_s *= _FORGET

    def expected_s(self, unit_count: int) -> float:
        """How long so much will take; 0 before anything was scored."""
        return self._unit_s * unit_count
