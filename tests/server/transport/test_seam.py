from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.transport.seam import Run, score
from tests.server.conftest import law


@dataclass(eq=False)
class Lane:
    """Marks the rows it scores as its own, and notes how many came together."""

    name: str
    counts: list[int] = field(default_factory=list)

    def score(self, rows: Sequence[int]) -> Sequence[tuple[str, int]]:
        """The rows with the lane's name."""
        self.counts.append(len(rows))
        return [(self.name, row) for row in rows]


@law
@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(), min_size=1, max_size=4))))
def test_each_lane_scores_once(asked: Sequence[tuple[str, Sequence[int]]]) -> None:
    """All rows of a lane are scored together, and every run finds its own among them."""
    lanes = {name: Lane(name) for name in "abc"}
    runs = [Run(lanes[name], rows) for name, rows in asked]
    score(runs)
    for run, (name, rows) in zip(runs, asked, strict=True):
        assert run.scored[run.first : run.first + len(rows)] == [(name, row) for row in rows]
    for name, lane in lanes.items():
        count = sum(len(rows) for of, rows in asked if of == name)
        assert lane.counts == ([count] if count else [])


def test_a_fault_of_a_lane_is_not_hidden() -> None:
    """Whoever scores is told."""

    class Broken(Lane):
        def score(self, rows: Sequence[int]) -> Sequence[tuple[str, int]]:
            raise OSError(rows)

    for runs in ([Run(Broken("a"), [1])], [Run(Lane("b"), [1]), Run(Broken("a"), [1])]):
        with pytest.raises(OSError, match=r"\[1\]"):
            score(runs)
