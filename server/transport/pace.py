"""How long answers will take, from how long they took."""

_STEP = 1.05
_FORGET = 0.99


class Pace:
    """The usual time that a row takes.

    It follows the median: each turn moves it by a fixed share towards what the turn took, however far that was, so that
    one long pause of the machine does not make a server refuse everything. And each request that is not scored for want
    of time makes it a little shorter, so that in the end one is tried again.

    Source: the stochastic approximation of a quantile (Robbins and Monro 1951), with relative steps.
    """

    def __init__(self) -> None:
        self._row_s = 0.0

    def took(self, row_count: int, seconds: float) -> None:
        """Notes that so many rows were scored and answered in this time."""
        row_s = seconds / row_count
        if not self._row_s:
            self._row_s = row_s
        elif row_s > self._row_s:
            self._row_s *= _STEP
        else:
            self._row_s /= _STEP

    def passed_over(self) -> None:
        """Notes that a request was not scored, because that would have taken too long."""
        self._row_s *= _FORGET

    def expected_s(self, row_count: int) -> float:
        """How long so many rows will take; 0 before the first were scored."""
        return self._row_s * row_count
