import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from server.model import open_graph
from training.export.estimators import OPSET
from training.export.graph import IR_VERSION
from training.export.nodes import Nodes
from training.features import Features, FeatureSpec
from training.segmentations.expressions import LARGEST, Emission, Truth, Truths, holds
from training.segmentations.language import read_condition

SPECS = (
    FeatureSpec(name="spend", description="spend", minimum=None),
    FeatureSpec(name="visits", description="visits", minimum=None),
    FeatureSpec(name="daypart", description="part of the day", vocabulary=("morning", "evening", "night")),
)
WORDS = SPECS[2].vocabulary


def in_graph(truth: Truth, rows: Features) -> Truths:
    """Where ONNX Runtime finds that a condition holds."""
    nodes = Nodes({"features", "truth"}, OPSET)
    nodes.protos.append(helper.make_node("Identity", [Emission(nodes, "features").of(truth)], ["truth"]))
    graph = helper.make_graph(
        nodes.protos,
        "condition",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, rows.shape[1]])],
        [helper.make_tensor_value_info("truth", TensorProto.BOOL, [None, 1])],
    )
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    truths: Truths = open_graph(model.SerializeToString()).run(["truth"], {"features": rows})[0][:, 0]
    return truths


class Amount:
    """A number that follows the language's rules, in plain Python."""

    def __init__(self, number: float, kind: str = "") -> None:
        self.number = number
        self.kind = kind

    def _joined(self, other: "Amount", join: Callable[[float, float], float]) -> "Amount":
        return _made(max(-LARGEST, min(LARGEST, join(self.number, other.number))), self, other)

    def __add__(self, other: "Amount") -> "Amount":
        return self._joined(other, operator.add)

    def __sub__(self, other: "Amount") -> "Amount":
        return self._joined(other, operator.sub)

    def __mul__(self, other: "Amount") -> "Amount":
        return self._joined(other, operator.mul)

    def __truediv__(self, other: "Amount") -> "Amount":
        return self._joined(other, _divided)

    def __neg__(self) -> "Amount":
        return _made(-self.number, self)

    def __abs__(self) -> "Amount":
        return _made(abs(self.number), self)

    def _pair(self, other: "Amount") -> tuple[float, float]:
        return _rounded(self, other), _rounded(other, self)

    def __lt__(self, other: "Amount") -> bool:
        left, right = self._pair(other)
        return left < right

    def __le__(self, other: "Amount") -> bool:
        left, right = self._pair(other)
        return left <= right

    def __gt__(self, other: "Amount") -> bool:
        left, right = self._pair(other)
        return left > right

    def __ge__(self, other: "Amount") -> bool:
        left, right = self._pair(other)
        return left >= right

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Amount)
        left, right = self._pair(other)
        return left == right

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.number)


def _made(number: float, *of: Amount) -> Amount:
    """A number made of others: a literal where they all are, and then 0 or 1 where float32 sees no difference."""
    if any(amount.kind != "literal" for amount in of):
        return Amount(number)
    is_near = abs(number) < 1.5 and float(np.float32(number)) in {0.0, 1.0}
    return Amount(float(np.float32(number)) if is_near else number, "literal")


def _divided(left: float, right: float) -> float:
    if right == 0:
        return 0.0
    quotient = np.float64(left) / np.float64(right)
    return float(quotient)


def _rounded(one: Amount, other: Amount) -> float:
    if one.kind == "literal" and other.kind == "feature" and abs(one.number) < 3e38:
        return float(np.float32(one.number))
    return one.number


def _least(*amounts: Amount) -> Amount:
    return _made(min(amount.number for amount in amounts), *amounts)


def _most(*amounts: Amount) -> Amount:
    return _made(max(amount.number for amount in amounts), *amounts)


def in_python(text: str, row: tuple[float, float, int]) -> bool:
    """What Python itself says of a condition, whose numbers are written L(…)."""
    names: Mapping[str, Any] = {
        "__builtins__": {},
        "L": lambda number: _made(float(number)),
        "abs": abs,
        "min": _least,
        "max": _most,
        "between": lambda of, low, high: of >= low and of <= high,
        "spend": Amount(float(np.float32(row[0])), "feature"),
        "visits": Amount(float(np.float32(row[1])), "feature"),
        "daypart": WORDS[row[2]],
    }
    with np.errstate(all="ignore"):
        return bool(eval(text, dict(names)))  # noqa: S307  # of texts that are made here


# Pairs of texts: as a marketer writes it, and with L(…) around the numbers.
LITERALS = st.one_of(
    st.integers(0, 20).map(float),
    st.floats(0, 1e6),
    st.sampled_from([0.1, 0.3, 1e-30, 1e-60, 1 + 1e-9, 1e30, 3.4e38, 1e300]),
)
Pair = tuple[str, str]


def _joined(join: str) -> Callable[[Pair, Pair], Pair]:
    return lambda a, b: (join.format(a[0], b[0]), join.format(a[1], b[1]))


def _alone(form: str) -> Callable[[Pair], Pair]:
    return lambda a: (form.format(a[0]), form.format(a[1]))


NUMBERS: st.SearchStrategy[Pair] = st.recursive(
    st.one_of(
        st.sampled_from([("spend", "spend"), ("visits", "visits")]),
        LITERALS.map(lambda number: (repr(number), f"L({number!r})")),
    ),
    lambda inner: st.one_of(
        # Without brackets, so that the order of operations is tried; / only by what is no constant 0.
        st.builds(
            lambda join, a, b: _joined(join)(a, b),
            st.sampled_from(["{} + {}", "{} - {}", "{} * {}", "({} + {})", "({} - {})", "min({}, {})", "max({}, {})"]),
            inner,
            inner,
        ),
        st.builds(_joined("{} / (spend - {})"), inner, inner),
        st.builds(_joined("{} / max({}, visits)"), inner, inner),
        inner.map(_alone("-{}")),
        inner.map(_alone("abs({})")),
    ),
    max_leaves=5,
)
COMPARED = st.one_of(
    st.builds(
        lambda join, a, b: _joined(join)(a, b),
        st.sampled_from(["{} < {}", "{} <= {}", "{} > {}", "{} >= {}", "{} == {}", "{} != {}", "spend <= {} < {}"]),
        NUMBERS,
        NUMBERS,
    ),
    st.builds(_joined("between(visits, {}, {})"), NUMBERS, NUMBERS),
    st.builds(_joined("spend not in [{}, {}]"), NUMBERS, NUMBERS),
    st.sampled_from(['daypart == "evening"', '"night" != daypart', 'daypart in ["morning", "night"]']).map(
        lambda text: (text, text)
    ),
)
CONDITIONS: st.SearchStrategy[Pair] = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.builds(_joined("{} and {}"), inner, inner),
        st.builds(_joined("{} or {}"), inner, inner),
        inner.map(_alone("not ({})")),
        inner.map(_alone("({})")),
    ),
    max_leaves=4,
)
VALUES = st.one_of(
    st.floats(-(2.0**127), 2.0**127, width=32), st.integers(-20, 20).map(float), st.sampled_from([0.1, 0.3, -0.0])
)
ROWS = st.lists(st.tuples(VALUES, VALUES, st.integers(0, 2)), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(CONDITIONS, ROWS)
def test_the_same_in_numpy_onnx_and_python(condition: Pair, rows: list[tuple[float, float, int]]) -> None:
    """Whatever the condition and the visitors, NumPy, ONNX Runtime and plain Python agree, to the last bit."""
    text = f"spend == spend and ({condition[0]})"  # so that there is a feature
    truth = read_condition(text, SPECS).truth
    features = np.array(rows, dtype=np.float32)
    expected = [in_python(condition[1], row) for row in rows]
    assert holds(truth, features).tolist() == expected
    assert in_graph(truth, features).tolist() == expected


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("spend / visits == 0", [5, 0, 0], True),
        ("spend / visits > 0", [5, 0, 0], False),
        ("spend * spend * spend * spend * spend * spend * spend * spend * spend == 1e300", [3e38, 0, 0], True),
        ("spend * spend * spend * spend * spend * spend * spend * spend * spend - 1e300 == 0", [3e38, 0, 0], True),
        ("-1e300 - 1e300 * spend == -1e300", [1, 0, 0], True),
        (
            "spend / (visits * visits * visits * visits * visits * visits * visits * visits) == 1e300",
            [3e38, 1e-38, 0],
            True,
        ),
        ("spend >= 0.1", [0.1, 0, 0], True),
        ("spend > 0.1", [0.1, 0, 0], False),
        ("spend in [0.1, 7]", [0.1, 0, 0], True),
        ("spend / visits >= 0.1", [1, 10, 0], True),
        ("spend * 1.00000000001 > spend", [1, 0, 0], False),
        ("spend * (1 + 0.00000000001) > spend", [1, 0, 0], False),
        ("spend - 1e-258 < spend", [0, 0, 0], False),
        ("2 + 3 * spend == 14", [4, 0, 0], True),
        ("spend - 2 - 1 == 1", [4, 0, 0], True),
        ("-spend * -1 == 4", [4, 0, 0], True),
        ("1 < spend < 5 < visits", [4, 6, 0], True),
        ("1 < spend < 5 < visits", [4, 5, 0], False),
        ("not spend > 5 and visits == 0", [4, 0, 0], True),
        ("spend > 5 or visits > 5 and spend > 5", [6, 0, 0], True),
        ("between(spend, 4, 5) and between(visits, 4, 5)", [4, 5, 0], True),
        ('daypart not in ["morning"]', [0, 0, 1], True),
    ],
)
def test_defined_by_hand(text: str, row: list[float], expected: bool) -> None:  # noqa: FBT001  # as in the table
    """What is over 0 is 0, what is huge stands at ±1e300, thresholds are those of float32, order as usual."""
    features = np.array([row], dtype=np.float32)
    truth = read_condition(text, SPECS).truth
    assert holds(truth, features).tolist() == [expected]
    assert in_graph(truth, features).tolist() == [expected]


@settings(max_examples=20, deadline=None)
@given(st.floats(0.125, 2.0**20, width=32))
def test_neighbours_of_a_threshold(threshold: float) -> None:
    """The float32 numbers next to a threshold are on its right sides, in NumPy and in the graph."""
    below, above = (np.nextafter(np.float32(threshold), np.float32(end)) for end in (-np.inf, np.inf))
    rows = np.array([[below, 0, 0], [threshold, 0, 0], [above, 0, 0]], dtype=np.float32)
    for text, expected in (("spend < {}", [True, False, False]), ("spend <= {}", [True, True, False])):
        truth = read_condition(text.format(repr(threshold)), SPECS).truth
        assert holds(truth, rows).tolist() == expected
        assert in_graph(truth, rows).tolist() == expected


def test_bands_by_hand() -> None:
    """A fifth of the population is in each band; who ties with its end is below it."""
    population = np.zeros((10, 3), dtype=np.float32)
    population[:, 0] = np.arange(1, 11)
    rows = np.array([[value, 0, 0] for value in (-5, 1, 2, 2.5, 4, 8, 8.1, 99)], dtype=np.float32)
    for band, expected in ((1, [1, 1, 1, 0, 0, 0, 0, 0]), (2, [0, 0, 0, 1, 1, 0, 0, 0]), (5, [0, 0, 0, 0, 0, 0, 1, 1])):
        condition = read_condition(f"band(spend, 5) == {band}", SPECS, population)
        assert condition.thresholds == ("band(spend, 5) ends at 2, 4, 6, 8",)
        assert holds(condition.truth, rows).tolist() == list(map(bool, expected))
        assert in_graph(condition.truth, rows).tolist() == list(map(bool, expected))


def test_the_same_part_is_computed_once() -> None:
    """A part that stands in several places is one node of the graph."""
    nodes = Nodes({"features"}, OPSET)
    emission = Emission(nodes, "features")
    text = "spend / visits > 3 and spend / visits < 9 or abs(spend / visits) == 30"
    emission.of(read_condition(text, SPECS).truth)
    operators = [node.op_type for node in nodes.protos]
    assert operators.count("Div") == 1
    assert operators.count("Gather") == 2
