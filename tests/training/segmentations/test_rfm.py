import numpy as np
import pytest

from tests.training.segmentations.tables import SPECS, shoppers, table_of
from training.export.graph import build_graph
from training.export.parity import prove
from training.heads import NO_SEGMENT, FloatArray
from training.segmentations.rfm import BANDS, CUSTOMARY, Cells, cell_rules, customary_rules
from training.segmentations.rules import fit_conditions

FEATURES = ("recency_days", "baskets", "spend")
# Across: recency from 1 to 5; down: the mean of frequency and money from 5 to 1. Written from the map's source.
GRID = [
    ["Cannot lose them", "Cannot lose them", "Loyal", "Loyal", "Champions"],
    ["At risk", "At risk", "Loyal", "Loyal", "Champions"],
    ["At risk", "At risk", "Need attention", "Potential loyalists", "Potential loyalists"],
    ["Hibernating", "Hibernating", "About to sleep", "Potential loyalists", "Potential loyalists"],
    ["Hibernating", "Hibernating", "About to sleep", "Promising", "New"],
]


def _bands(values: FloatArray, bands: int) -> FloatArray:
    """By counting: the band of each value among all, from 1, ties below."""
    ends = [np.sort(values)[int(np.ceil(len(values) * k / bands - 1e-9)) - 1] for k in range(1, bands)]
    return np.array([1 + sum(value > end for end in ends) for value in values])


@pytest.mark.parametrize("bands", BANDS)
def test_the_customary_map(bands: int) -> None:
    """Every visitor is in the segment of the published grid, in which 3 or 4 bands are spread over 1 to 5."""
    table = shoppers()
    head = fit_conditions("rfm", "", customary_rules(FEATURES, bands), table)
    wide = table.features.astype(np.float64)
    recency, frequency, money = (_bands(values, bands) for values in (-wide[:, 0], wide[:, 2], wide[:, 3]))
    across = np.floor(1 + (recency - 1) * 4 / (bands - 1) + 0.5).astype(int)
    down = np.floor(1 + ((frequency + money) / 2 - 1) * 4 / (bands - 1) + 0.5).astype(int)
    expected = [GRID[5 - worth][recent - 1] for recent, worth in zip(across, down, strict=True)]
    assert [head.names[position] for position in head.assign(table.features)] == expected
    assert prove(build_graph([head], len(SPECS)), [head], table.features, SPECS).largest_difference == {"rfm": 0.0}


@pytest.mark.parametrize("bands", BANDS)
def test_everybody_is_in_one_segment(bands: int) -> None:
    """In every cell there is exactly one segment of the map, also in those where nobody was."""
    table = shoppers()
    rules = customary_rules(FEATURES, bands)
    far = np.array(
        [[r, 9, f, m, 9, 0] for r in (0, 20, 999) for f in (1, 5, 99) for m in (0, 90, 9999)], dtype=np.float32
    )
    rows = np.concatenate([table.features, far])
    inside = [fit_conditions("rfm", "", [rule], table).assign(rows) == 0 for rule in rules]
    assert (np.sum(inside, axis=0) == 1).all()
    assert bands < 5 or len(rules) == len(CUSTOMARY)


def test_ties_are_in_one_band() -> None:
    """Where most visitors bought once, all of these are in the lowest band, and the second band has nobody."""
    features = np.tile(np.array([5, 9, 1, 10, 1, 0], dtype=np.float32), (10, 1))
    features[8:, 2] = [4, 7]
    rules = cell_rules(FEATURES, 3, [Cells(str(f), "", (1, 3), (f, f), (1, 3)) for f in (1, 2, 3)])
    head = fit_conditions("rfm", "", rules, table_of(features))
    assert head.assign(features).tolist() == [0] * 8 + [2, 2]
    assert head.warnings == ("nobody satisfies the rule of '2': band(baskets, 3) == 2",)


def test_own_cells() -> None:
    """Blocks of cells that a file names: the first that holds, and nobody else."""
    table = shoppers()
    cells = [
        Cells("Best", "rfm-best", (3, 4), (4, 4), (1, 4)),
        Cells("Recent", "", (4, 4), (1, 4), (1, 4)),
        Cells("Odd", "", (1, 1), (1, 2), (3, 4)),
    ]
    rules = cell_rules(FEATURES, 4, cells)
    assert [rule.when for rule in rules] == [
        "band(-recency_days, 4) >= 3 and band(baskets, 4) == 4",
        "band(-recency_days, 4) == 4",
        "band(-recency_days, 4) == 1 and band(baskets, 4) <= 2 and band(spend, 4) >= 3",
    ]
    head = fit_conditions("rfm", "", rules, table)
    wide = table.features.astype(np.float64)
    recency, frequency, money = (_bands(values, 4) for values in (-wide[:, 0], wide[:, 2], wide[:, 3]))
    expected = np.full(len(table), NO_SEGMENT)
    expected[(recency == 1) & (frequency <= 2) & (money >= 3)] = 2
    expected[recency == 4] = 1
    expected[(recency >= 3) & (frequency == 4)] = 0
    assert head.assign(table.features).tolist() == expected.tolist()
    assert list(head.keys) == ["rfm-best", "", ""]


def test_all_cells() -> None:
    """A block of every cell holds everybody."""
    (rule,) = cell_rules(FEATURES, 3, [Cells("All", "", (1, 3), (1, 3), (1, 3))])
    table = shoppers()
    assert not fit_conditions("rfm", "", [rule], table).assign(table.features).any()
