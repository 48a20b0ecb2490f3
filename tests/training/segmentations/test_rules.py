import numpy as np
import pytest

from server.model import INPUT, OUTPUT, open_graph
from tests.training.segmentations.tables import SPECS, shoppers, table_of
from training.configuration.section import BadConfig
from training.export.graph import build_graph
from training.export.parity import prove
from training.heads import NO_SEGMENT, SEGMENT, Head, Segmentation
from training.segmentations.rules import Rule, Rules, fit_conditions

EVENING = Rule("Evening", 'daypart == "evening" and spend > top(50%)', "m-evening")
RICH = Rule("Rich", "spend > 200")
ALL = Rule("All", "spend >= 0")
OTHERS = Rule("Others", "")


def _fit(*rules: Rule) -> Rules:
    return fit_conditions("moments", "when to reach them", rules, shoppers())


def test_the_first_that_holds() -> None:
    """A visitor is in the first segment whose rule holds, else in the one for everybody, else in none."""
    table = shoppers()
    spend, daypart = table.features[:, 3], table.features[:, 5]
    middle = np.sort(spend)[249]
    for rules, rest in (((EVENING, RICH, OTHERS), 2), ((EVENING, RICH), NO_SEGMENT)):
        head = _fit(*rules)
        expected = [
            0 if part == 2 and amount > middle else 1 if amount > 200 else rest
            for amount, part in zip(spend.tolist(), daypart.tolist(), strict=True)
        ]
        assert head.assign(table.features).tolist() == expected
        assert head.scores(table.features)[:, 0].tolist() == expected
        assert len(set(expected)) == 3


def test_what_a_head_says_of_itself() -> None:
    """It is a segmentation with one column, named and keyed by its writers, described by the numbers in its rules."""
    head = _fit(EVENING, RICH, OTHERS)
    assert isinstance(head, Segmentation)
    assert (head.name, head.title, head.count) == ("moments", "when to reach them", 3)
    assert list(head.columns) == [(SEGMENT, 1)]
    assert list(head.names) == ["Evening", "Rich", "Others"]
    assert list(head.keys) == ["m-evening", "", ""]
    assert head.shaping.columns.tolist() == [3]
    assert not head.tried
    described = fit_conditions("m", "", [RICH], shoppers(), ["tenure_days", "baskets", "daypart"])
    assert described.shaping.columns.tolist() == [1, 2]


def test_only_words() -> None:
    """Rules over categories alone have no number to be described by, and work."""
    head = _fit(Rule("Early", 'daypart in ["morning", "noon"]'))
    table = shoppers()
    assert head.shaping.apply(table.features).shape == (500, 0)
    assert prove(build_graph([head], len(SPECS)), [head], table.features, SPECS).largest_difference == {"moments": 0.0}


@pytest.mark.parametrize("rules", [(EVENING, RICH, OTHERS), (EVENING, RICH), (RICH,), (ALL, OTHERS)])
def test_the_graph_gives_the_same_labels(rules: tuple[Rule, ...]) -> None:
    """Shoppers, and rows at the edges and at every threshold, are in the same segment in the graph."""
    head = _fit(*rules)
    table = shoppers()
    threshold = np.float32(np.sort(table.features[:, 3])[249])
    near = np.repeat(table.features[:1], 6, axis=0)
    near[:, 5] = 2
    near[:, 3] = [f(x) for x in (threshold, np.float32(200)) for f in (_below, np.float32, _above)]
    rows = np.concatenate([table.features, near])
    heads: list[Head] = [head]
    graph = build_graph(heads, len(SPECS))
    assert prove(graph, heads, rows, SPECS).largest_difference == {"moments": 0.0}
    one = [open_graph(graph).run([OUTPUT], {INPUT: row[None]})[0][0, 0] for row in near]
    assert one == head.assign(near).tolist()


def _below(value: np.float32) -> np.float32:
    return np.float32(np.nextafter(value, np.float32(0)))


def _above(value: np.float32) -> np.float32:
    return np.float32(np.nextafter(value, np.float32(np.inf)))


def test_rules_that_say_little() -> None:
    """A rule that nobody satisfies, one that others shadow, and a rest of nobody are warned about, by name."""
    head = _fit(
        Rule("Rich", "spend > 200"),
        Rule("Richer", "spend > 300"),
        Rule("Nobody", "spend < 0"),
        Rule("Poor", "spend <= 200"),
        OTHERS,
    )
    assert list(head.warnings) == [
        "everybody who satisfies the rule of 'Richer' is in a segment before it already",
        "nobody satisfies the rule of 'Nobody': spend < 0",
        "nobody is left for 'Others': every visitor satisfies a rule before it",
    ]
    assert not _fit(EVENING, RICH, OTHERS).warnings


def test_mistakes() -> None:
    """A condition over unknown features names the segmentation and the segment; no visitors are no population."""
    with pytest.raises(BadConfig, match=r"segmentation 'moments', segment 'Rich': there is no feature 'spnd'; did you"):
        _fit(Rule("Rich", "spnd > 3"))
    with pytest.raises(BadConfig, match="there is no visitor to fix thresholds and shares on"):
        fit_conditions("m", "", [RICH], table_of(np.zeros((0, len(SPECS)), dtype=np.float32)))


def test_the_same_bytes() -> None:
    """The same rules on the same visitors give the same graph, byte for byte."""
    assert build_graph([_fit(EVENING, RICH)], len(SPECS)) == build_graph([_fit(EVENING, RICH)], len(SPECS))
