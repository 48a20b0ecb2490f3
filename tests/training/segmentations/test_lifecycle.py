import numpy as np
import pytest

from tests.training.segmentations.tables import SPECS, shoppers, table_of
from training.export.graph import build_graph
from training.export.parity import prove
from training.segmentations.lifecycle import Stages, stage_rules
from training.segmentations.rules import fit_conditions

IN_DAYS = Stages(recency="recency_days", tenure="tenure_days", new_days=28, at_risk=30, lapsed=90.5)
IN_GAPS = Stages(recency="recency_days", tenure="tenure_days", gap="gap_days", new_days=28, at_risk=2, lapsed=4)


@pytest.mark.parametrize(
    ("stages", "recency", "tenure", "gap", "expected"),
    [
        (IN_DAYS, 3, 28, 0, "New"),
        (IN_DAYS, 28, 28, 0, "New"),
        (IN_DAYS, 3, 29, 0, "Active"),
        (IN_DAYS, 30, 200, 0, "Active"),
        (IN_DAYS, 31, 200, 0, "At risk"),
        (IN_DAYS, 90.5, 200, 0, "At risk"),
        (IN_DAYS, 91, 200, 0, "Lapsed"),
        (IN_GAPS, 14, 200, 7, "Active"),
        (IN_GAPS, 15, 200, 7, "At risk"),
        (IN_GAPS, 28, 200, 7, "At risk"),
        (IN_GAPS, 29, 200, 7, "Lapsed"),
        (IN_GAPS, 29, 200, 30, "Active"),
        (IN_GAPS, 2, 200, 0.1, "Active"),
        (IN_GAPS, 3, 200, 0.1, "At risk"),
        (IN_GAPS, 5, 20, 0.1, "New"),
    ],
)
def test_stages_by_hand(stages: Stages, recency: float, tenure: float, gap: float, expected: str) -> None:
    """Each stage as its definition says, in days or in the visitor's own gaps, of which the shortest is a day."""
    head = fit_conditions("lifecycle", "", stage_rules(stages), shoppers())
    row = np.array([[recency, tenure, 1, 1, gap, 0]], dtype=np.float32)
    assert head.names[head.assign(row)[0]] == expected


def test_returning() -> None:
    """Who is here again after an absence in which they had lapsed is returning, until they go again."""
    stages = Stages(
        recency="recency_days", tenure="tenure_days", absence="gap_days", new_days=28, at_risk=30, lapsed=90
    )
    head = fit_conditions("lifecycle", "", stage_rules(stages), shoppers())
    rows = np.array([[5, 300, 1, 1, 91, 0], [5, 300, 1, 1, 90, 0], [31, 300, 1, 1, 91, 0], [5, 9, 1, 1, 91, 0]])
    names = [head.names[position] for position in head.assign(rows.astype(np.float32))]
    assert names == ["Returning", "Active", "At risk", "New"]
    assert head.count == 5


def test_the_graph_gives_the_same_stages() -> None:
    """Shoppers, and those at every limit, are in the same stage in the graph."""
    limits = np.array([[r, t, 1, 1, g, 0] for r in (28, 30, 60, 90.5, 120) for t in (28, 200) for g in (0, 1, 15, 30)])
    rows = np.concatenate([shoppers().features, limits.astype(np.float32)])
    for stages in (IN_DAYS, IN_GAPS):
        head = fit_conditions("lifecycle", "", stage_rules(stages), table_of(rows))
        assert prove(build_graph([head], len(SPECS)), [head], rows, SPECS).largest_difference == {"lifecycle": 0.0}
        assert set(head.assign(rows).tolist()) == {0, 1, 2, 3}
