from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.errors import BadBundle
from server.head_reader import read_heads
from server.heads import MEMBERSHIP_FLOOR, FloatMatrix
from tests.server.conftest import law
from tests.server.literal import (
    DISTANCE,
    EXPECTED,
    MARGIN,
    MEMBERSHIP,
    SEGMENT,
    classes,
    columns,
    distribution,
    levels,
    manifest,
    propensity,
    segmentation,
    value,
)

reals = st.floats(-1e6, 1e6, width=32)

FULL = segmentation((SEGMENT, 0, 1), (DISTANCE, 1, 1), (MARGIN, 2, 1), (MEMBERSHIP, 3, 3))


def columns_of(*heads: bundle_pb2.Head, scores: FloatMatrix) -> scoring_pb2.ModelColumns:
    """The answers for many visitors."""
    parts = [head.encode_columns(scores) for head in read_heads(manifest(*heads)).values()]
    return scoring_pb2.ModelColumns.FromString(b"".join(parts))


def scores_of(*heads: bundle_pb2.Head, scores: Sequence[float]) -> scoring_pb2.ModelScores:
    """The answers for one visitor."""
    parts = [head.encode(scores) for head in read_heads(manifest(*heads)).values()]
    return scoring_pb2.ModelScores.FromString(b"".join(parts))


def test_segment_of_one_visitor() -> None:
    """Key and name by the position; distance, margin and memberships by their columns."""
    reply = scores_of(FULL, scores=[1, 0.5, 0.25, 0.75, 0.25, 0])
    assert reply.segmentations["value"] == scoring_pb2.Segment(
        key="b", name="B", distance=0.5, margin=0.25, memberships={"a": 0.75, "b": 0.25}
    )


@law
@given(st.integers(-2, 4).map(float) | st.floats(width=32))
def test_segments_that_are_none_are_never_answered(segment: float) -> None:
    """A position that the segmentation has not, or that is no whole number, is a fault, alone and among others."""
    head = read_heads(manifest(segmentation()))["value"]
    scores = np.array([[0], [segment], [2]], np.float32)
    if segment in {0, 1, 2}:
        assert head.encode([segment])
        assert head.encode_columns(scores)
        return
    with pytest.raises(LookupError):
        head.encode([segment])
    with pytest.raises(
        LookupError, match=r"head 'value' gives row 1 the segment .*; needed is a whole number from 0 to 2"
    ):
        head.encode_columns(scores)


def test_absent_columns_are_absent_answers() -> None:
    """A segmentation without centres has no distance; one with a single segment has no margin."""
    segment = scores_of(segmentation(keys=["a"]), scores=[0]).segmentations["value"]
    assert not segment.HasField("distance")
    assert not segment.HasField("margin")
    assert not segment.memberships


@pytest.mark.parametrize(
    ("membership", "is_there"),
    [(0.0, False), (MEMBERSHIP_FLOOR - 1e-9, False), (MEMBERSHIP_FLOOR, True), (1.0, True)],
)
def test_membership_floor(membership: float, *, is_there: bool) -> None:
    """A membership below a thousandth is left out of one visitor's answer."""
    reply = scores_of(FULL, scores=[0, 0, 0, membership, 0, 1])
    assert ("a" in reply.segmentations["value"].memberships) is is_there


@law
@given(st.lists(st.tuples(st.integers(0, 2), *[reals] * 7), min_size=1, max_size=8))
def test_columns_equal_rows(rows: list[tuple[float, ...]]) -> None:
    """Many visitors in columns get what each of them gets alone."""
    heads = FULL, propensity(6), value(7)
    scores = np.array(rows, np.float32)
    reply = columns_of(*heads, scores=scores)
    segments, bought, spent = reply.segmentations["value"], reply.propensities["buys_7d"], reply.values["spend_30d"]
    assert (list(segments.keys), list(segments.names), spent.unit) == (["a", "b", "c"], ["A", "B", "C"], "USD")
    for position, row in enumerate(scores.tolist()):
        alone = scores_of(*heads, scores=row)
        key = segments.keys[segments.segments[position]]
        memberships = dict(zip(segments.keys, segments.memberships[3 * position :][:3], strict=True))
        assert alone.segmentations["value"] == scoring_pb2.Segment(
            key=key,
            name=key.upper(),
            distance=segments.distances[position],
            margin=segments.margins[position],
            memberships={k: m for k, m in memberships.items() if m >= MEMBERSHIP_FLOOR},
        )
        assert alone.propensities["buys_7d"] == scoring_pb2.Propensity(
            probability=bought.probabilities[position], percentile=bought.percentiles[position]
        )
        assert alone.values["spend_30d"] == scoring_pb2.ExpectedValue(
            expected=spent.expected[position], unit="USD", percentile=spent.percentiles[position]
        )


def test_absent_columns_are_empty_columns() -> None:
    """A segmentation without distances, margins and memberships has none in columns either."""
    reply = columns_of(segmentation(), scores=np.array([[2], [0]], np.float32))
    assert reply.segmentations["value"] == scoring_pb2.SegmentColumns(
        keys=["a", "b", "c"], names=["A", "B", "C"], segments=[2, 0]
    )


def test_heads_keep_their_order() -> None:
    """Heads come in the manifest's order, by name."""
    assert list(read_heads(manifest(value(7), FULL, propensity(6)))) == ["spend_30d", "value", "buys_7d"]


def changed(head: bundle_pb2.Head, change: Callable[[bundle_pb2.Head], object]) -> bundle_pb2.Head:
    """A copy, changed."""
    copy = bundle_pb2.Head()
    copy.CopyFrom(head)
    change(copy)
    return copy


def with_quantiles(head: bundle_pb2.Head, numbers: Sequence[float]) -> bundle_pb2.Head:
    """A copy with another population."""
    return changed(head, lambda copy: copy.distribution.CopyFrom(distribution(numbers)))


@pytest.mark.parametrize(
    ("heads", "reason"),
    [
        pytest.param([], "has no heads", id="none"),
        pytest.param([value(1), value(2)], "names a head twice", id="twice"),
        pytest.param([bundle_pb2.Head(name="a")], "'a' is of no kind that this server knows: 0", id="no kind"),
        pytest.param([changed(value(), lambda h: setattr(h, "kind", 9))], "knows: 9", id="kind of the future"),
        pytest.param([value(9)], "'spend_30d' has columns 9 to 9; the graph has 9", id="beyond"),
        pytest.param([value(2**32 - 1)], "has columns 4294967295 to", id="far beyond"),
        pytest.param([segmentation((SEGMENT, 0, 1), (MEMBERSHIP, 7, 3))], "columns 7 to 9", id="partly beyond"),
        pytest.param([segmentation((SEGMENT, 0, 0))], "columns 0 to -1", id="no columns"),
        pytest.param([segmentation((SEGMENT, 0, 2))], "one column of the role COLUMN_ROLE_SEGMENT", id="two segments"),
        pytest.param([segmentation((MARGIN, 0, 1))], "one column of the role COLUMN_ROLE_SEGMENT", id="no segment"),
        pytest.param([segmentation((SEGMENT, 0, 1), (DISTANCE, 1, 2))], "COLUMN_ROLE_DISTANCE", id="two distances"),
        pytest.param([segmentation((SEGMENT, 0, 1), (MARGIN, 1, 2))], "COLUMN_ROLE_MARGIN", id="two margins"),
        pytest.param([segmentation((SEGMENT, 0, 1), (SEGMENT, 1, 1))], "gives a role to columns twice", id="roles"),
        pytest.param([segmentation((SEGMENT, 0, 1), (MEMBERSHIP, 1, 2))], "each of its 3 segments", id="memberships"),
        pytest.param([segmentation(keys=[])], "segments with distinct keys; it has []", id="no segments"),
        pytest.param([segmentation(keys=["a", "a"])], "distinct keys", id="key twice"),
        pytest.param([segmentation(keys=["a", ""])], "distinct keys", id="empty key"),
        pytest.param([changed(value(), lambda h: h.ClearField("columns"))], "COLUMN_ROLE_EXPECTED", id="no column"),
        pytest.param([classes(words=["one"])], "needs two or more distinct classes", id="one class"),
        pytest.param([classes(words=["one", "one"])], "distinct classes", id="class twice"),
        pytest.param([classes(words=["one", ""])], "distinct classes", id="class without a name"),
        pytest.param(
            [changed(classes(), lambda h: h.classes.append("hats"))], "each of its 3 classes", id="class alone"
        ),
        pytest.param([classes(shares=[1.0])], "a share from 0 to 1 for each of its 2 classes", id="share alone"),
        pytest.param([classes(shares=[2.0, -1.0])], "a share from 0 to 1", id="no shares"),
        pytest.param([changed(levels(), lambda h: h.groups.reverse())], "'g' within 'top'", id="group before its own"),
        pytest.param([changed(levels(), lambda h: h.groups.add(key="g"))], "'g' within ''", id="group twice"),
        pytest.param([changed(levels(), lambda h: h.groups.add())], "the group ''", id="no key"),
        pytest.param(
            [changed(levels(), lambda h: setattr(h.segments[0], "parent", "x"))], "'a' within 'x'", id="no group"
        ),
        pytest.param(
            [changed(levels(), lambda h: setattr(h.segments[0], "key", "g"))], "'g' within 'g'", id="own group"
        ),
        pytest.param(
            [changed(propensity(), lambda h: h.columns[0].MergeFrom(columns((EXPECTED, 0, 1))[0]))],
            "COLUMN_ROLE_PROBABILITY",
            id="role of another kind",
        ),
        pytest.param([with_quantiles(value(), range(1))], "needs 2 or more quantiles", id="too few quantiles"),
        pytest.param([with_quantiles(propensity(), [])], "it has 0", id="no quantiles"),
        pytest.param([with_quantiles(value(), range(101, 0, -1))], "never fall", id="falling quantiles"),
        pytest.param([with_quantiles(value(), [float("nan")] * 101)], "never fall", id="quantiles of NaN"),
        pytest.param([with_quantiles(value(), [*range(100), float("inf")])], "never fall", id="infinite quantile"),
    ],
)
def test_bad_heads_are_refused(heads: list[bundle_pb2.Head], reason: str) -> None:
    """A head that contradicts itself or the graph is refused, by name and with what is wrong."""
    with pytest.raises(BadBundle) as caught:
        read_heads(manifest(*heads))
    assert reason in str(caught.value)


def test_columns_of_a_role_of_the_future_are_ignored() -> None:
    """Roles that this server does not know, which arrive as none, may come any number of times."""
    head = value()
    head.columns.extend([bundle_pb2.ScoreColumns(first=1, count=1), bundle_pb2.ScoreColumns(first=2, count=1)])
    assert scores_of(head, scores=[5, 0, 0]).values["spend_30d"].expected == 5


def test_propensity_and_value() -> None:
    """Probability and amount as the graph has them, with their percentiles and the unit."""
    reply = scores_of(propensity(0), value(1), scores=[0.25, 12.5])
    assert reply.propensities["buys_7d"].probability == 0.25
    assert reply.propensities["buys_7d"].percentile == pytest.approx(25)
    assert reply.values["spend_30d"] == scoring_pb2.ExpectedValue(expected=12.5, unit="USD", percentile=12.5)


def test_path_of_a_segment() -> None:
    """The segments above it, the largest first, alone and in columns."""
    replies = [scores_of(levels(), scores=[position]).segmentations["value"] for position in range(3)]
    assert [list(reply.path) for reply in replies] == [["top", "g"], ["top", "g"], ["top"]]
    columns = columns_of(levels(), scores=np.array([[0], [2]], np.float32)).segmentations["value"]
    assert [list(path.keys) for path in columns.paths] == [["top", "g"], ["top", "g"], ["top"]]


def test_visitor_in_no_segment() -> None:
    """Key and name are empty; distance and margin say how far it is. In columns the position is beyond the keys."""
    head = levels()
    head.columns.extend(columns((DISTANCE, 1, 1)))
    assert scores_of(head, scores=[-1, 3]).segmentations["value"] == scoring_pb2.Segment(distance=3)
    found = columns_of(head, scores=np.array([[-1, 3], [1, 2]], np.float32)).segmentations["value"]
    assert (list(found.segments), list(found.distances)) == ([3, 1], [3, 2])


def test_classes() -> None:
    """The most probable one, and the probability of each that has one, alone and in columns."""
    reply = scores_of(classes(), scores=[0.25, 0.75]).classes["interest"]
    assert reply == scoring_pb2.Classes(most_likely="shoes", probabilities={"books": 0.25, "shoes": 0.75})
    assert dict(scores_of(classes(), scores=[1, 0]).classes["interest"].probabilities) == {"books": 1}
    found = columns_of(classes(), scores=np.array([[0.25, 0.75], [1, 0]], np.float32)).classes["interest"]
    assert (list(found.classes), list(found.probabilities)) == (["books", "shoes"], [0.25, 0.75, 1, 0])


def test_classes_of_a_visitor_of_whom_nothing_is_known() -> None:
    """Their shares, where the version recorded them; else nothing."""
    for shares, expected in (((0.75, 0.25), {"books": 0.75, "shoes": 0.25}), ((), None)):
        (head,) = read_heads(manifest(classes(shares=shares))).values()
        scores = np.zeros(2, np.float32)
        head.write_prior(scores)
        reply = scoring_pb2.ModelScores.FromString(head.encode(scores.tolist()))
        assert (dict(reply.classes["interest"].probabilities) if reply.classes else None) == expected
