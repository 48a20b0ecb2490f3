import math
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.model import INPUT, OUTPUT, open_graph
from tests.training.segmentations.tables import shoppers
from tests.training.segmentations.test_expressions import CONDITIONS, ROWS, SPECS, Pair
from training.export.graph import build_graph
from training.features import Features
from training.segmentations.boxes import Box, boxes
from training.segmentations.expressions import Feature, amounts, holds
from training.segmentations.language import read_condition
from training.segmentations.rules import Rule, Rules, fit_conditions, read_conditions

SIMPLE = st.sampled_from([
    "spend < 5", "spend <= 5", "5 > spend", "visits >= 2", "visits == 3", "visits != 3",
    "2 <= visits < 7 and spend > 1",
    'daypart in ["morning", "night"]', 'daypart != "evening" or spend == 0.1', "not between(spend, 1, 5)",
    "not (spend > 5 and visits > 2)", "abs(spend) + visits <= 4", "max(spend, visits) > 0.1", "spend < 1 and spend > 2",
])  # fmt: skip


def _in(box: Box, features: Features) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    inside = np.ones(len(features), dtype=bool)
    for number, (low, high) in box.items():
        values = amounts(number, features)
        inside &= (values >= low) & (values <= high)
    return inside


@settings(max_examples=100, deadline=None)
@given(CONDITIONS, ROWS)
def test_boxes_hold_where_the_condition_does(condition: Pair, rows: list[tuple[float, float, int]]) -> None:
    """Whatever has boxes, they say what it says, and the denied ones the opposite, to the last bit."""
    truth = read_condition(f"spend == spend or {condition[0]}", SPECS).truth.operands[1]  # type: ignore[attr-defined]  # of or
    features = np.array(rows, dtype=np.float32)
    for is_denied in (False, True):
        found = boxes(truth, is_denied=is_denied)
        if found is not None:
            inside = np.any([np.zeros(len(rows), dtype=bool), *(_in(box, features) for box in found)], axis=0)
            assert inside.tolist() == (holds(truth, features) != is_denied).tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(SIMPLE, min_size=4, max_size=7), st.sampled_from([[], [Rule("rest", "")]]), ROWS)
def test_a_table_gives_the_first(texts: list[str], rests: list[Rule], rows: list[tuple[float, float, int]]) -> None:
    """Many rules at once put visitors into the first segment that holds, else into that of the others, or none."""
    features = np.array(rows, dtype=np.float32)
    rules = [Rule(f"r{i}", text) for i, text in enumerate(texts)] + rests
    head = replace(_many(1), rules=tuple(rules), conditions=read_conditions("m", rules, SPECS))
    graph = build_graph([head], len(SPECS))
    assert "ReduceMin" in {node.op_type for node in onnx.load_from_string(graph).graph.node}
    assert open_graph(graph).run([OUTPUT], {INPUT: features})[0][:, 0].tolist() == head.assign(features).tolist()


def test_by_hand() -> None:
    """Ranges of one number are one; of an end that does not belong to it the next number; what cannot be is none."""

    def read(text: str) -> object:
        return boxes(read_condition(text, SPECS).truth)

    spend, visits = Feature(0), Feature(1)
    assert read("2 <= spend < 5 and visits == 1") == [{spend: (2, math.nextafter(5, 0)), visits: (1, 1)}]
    assert read("spend > 2 or visits != 1") == [
        {spend: (math.nextafter(2, 3), math.inf)},
        {visits: (-math.inf, math.nextafter(1, 0))},
        {visits: (math.nextafter(1, 2), math.inf)},
    ]
    assert read("spend < 1 and spend > 2") == []
    assert read("spend < visits") is None
    assert read(" and ".join(["(spend != 1 or visits != 1)"] * 7)) is None


@pytest.mark.parametrize("count", [3, 4])
def test_what_few_rules_become(count: int) -> None:
    """A few rules stay operators of their own, more of them become a table."""
    head = _many(count)
    found = {node.op_type for node in onnx.load_from_string(build_graph([head], len(shoppers().specs))).graph.node}
    assert ("ReduceMin" in found) is (count == 4)


def _many(count: int) -> Rules:
    return fit_conditions("m", "", [Rule(f"r{i}", f"spend > {9 - i}") for i in range(count)], shoppers())
