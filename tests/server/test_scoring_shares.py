"""Visitors are shared between versions, always the same way, and the reply says which one it was."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.counters import Counters, Shape
from server.errors import InvalidRequest
from server.metrics import Metrics
from server.registry import Registry
from server.scoring import Scoring
from server.traffic import Route, Share
from tests.server.conftest import Measured, law
from tests.server.routed import (
    EVEN,
    TARGETS,
    answer,
    answer_all,
    ask,
    ask_all,
    by_row,
    methods,
    publish,
    registry_of,
    vector,
    visitor_of,
)

NOTHING, LATE = scoring_pb2.DEGRADATION_UNSPECIFIED, scoring_pb2.DEGRADATION_LATE
HOLDOUT = scoring_pb2.DEGRADATION_HOLDOUT
PRIOR = scoring_pb2.WHEN_LATE_ANSWER_PRIOR

points = st.integers(1, 5000)
canaries, nexts = st.builds(Share, st.just("canary"), points), st.builds(Share, st.just("next"), points)
routes = st.builds(
    Route,
    targets=st.just(TARGETS),
    default_label=st.just("stable"),
    split=st.tuples(canaries, nexts) | st.tuples(nexts, canaries),
    split_salt=st.text(max_size=2),
    holdout=st.sampled_from([0, 3000]),
    holdout_salt=st.text(max_size=2),
)
ids = st.text("ab01", min_size=2, max_size=2) | st.text(max_size=3)
given_features = st.none() | st.builds(vector, st.sampled_from([1, 2, 3]), st.integers(0, 9))

Said = tuple[int, str, int]


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry for all examples of a law."""
    counters = Counters.create(tmp_path_factory.mktemp("counters") / "counters", Shape(rows=1))
    return registry_of(Metrics(counters.row(0)), EVEN)


@pytest.fixture
def shared(metrics: Metrics) -> Scoring:
    """Three versions, evenly."""
    return methods(registry_of(metrics, EVEN))


def due(route: Route, visitor: str) -> Said:
    """Version, label and degradation that a visitor is to get."""
    label = route.share_of(visitor.encode()) or route.default_label
    return route.targets[label], label, HOLDOUT if route.is_held_out(visitor.encode()) else NOTHING


def said(result: scoring_pb2.ModelScores | scoring_pb2.ModelColumns) -> Said:
    """What a visitor got."""
    return result.version, result.label, result.degraded


@law
@given(routes, st.lists(st.tuples(ids, given_features), min_size=1, max_size=8))
def test_always_the_same_side(everybody: Registry, route: Route, asked: Sequence[tuple[str, Features | None]]) -> None:
    """In Score, whatever was asked before, and in ScoreBatch; and the scores are of the visitor's own features."""
    publish(everybody, route)
    warm = methods(everybody)
    for visitor, features in [*asked, *asked]:
        (result,) = answer(warm, ask(visitor, features)).results
        assert result == answer(methods(everybody), ask(visitor, features)).results[0]
        assert said(result) == due(route, visitor)
        if result.degraded == NOTHING:
            assert result.values["spend_30d"].expected == visits_of(features)
    visitors, given_ = [visitor for visitor, _ in asked], [features or Features() for _, features in asked]
    reply = answer_all(warm, ask_all(visitors, given_))
    for visitor, features, (result_, place) in zip(visitors, given_, by_row(reply, len(asked)), strict=True):
        assert said(result_) == due(route, visitor)
        if result_.degraded == NOTHING:
            assert result_.values["spend_30d"].expected[place] == visits_of(features)


def test_requests_like_one_before(shared: Scoring) -> None:
    """A request that was learned of one version's visitor is read anew for that of another with other features."""
    visitors = [visitor_of(EVEN, share, prefix="visitor-") for share in ("", "next", "canary")]
    assert len({len(visitor) for visitor in visitors}) == 1
    for number in (1, 3):
        for visitor in (*visitors, *reversed(visitors)):
            (result,) = answer(shared, ask(visitor, vector(number, 5))).results
            assert (said(result), result.values["spend_30d"].expected) == (due(EVEN, visitor), 5)


def visits_of(features: Features | None) -> float:
    """The visits that a vector of routed.vector says."""
    if features is None or not features.vector:
        return 0
    third = vector(3, 0).schema_fingerprint
    return features.vector[0 if features.schema_fingerprint == third else 1]


def test_labels_in_replies(shared: Scoring) -> None:
    """The label that was asked for, that of the share, or the default one; none for a version asked by number."""
    visitor = visitor_of(EVEN, "canary")
    selectors = [Selector(), Selector(label="next"), Selector(version=3), Selector(label="stable")]
    expected = [(2, "canary"), (3, "next"), (3, ""), (1, "stable")]
    reply = answer(shared, ask(visitor, selectors=selectors))
    assert [(result.version, result.label) for result in reply.results] == expected
    batch = answer_all(shared, ask_all([visitor] * 2, selectors=selectors))
    assert [(result.version, result.label, list(result.rows)) for result in batch.results] == [
        (*one, []) for one in expected
    ]


def test_no_label_without_one(metrics: Metrics) -> None:
    """Where no version is "stable", who asks for none is told none."""
    route = Route({"": 3, "canary": 2}, "", (Share("canary", 5000),), "s")
    scoring = methods(registry_of(metrics, route))
    replies = [answer(scoring, ask(visitor_of(route, share))).results[0] for share in ("", "canary")]
    assert [(one.version, one.label) for one in replies] == [(3, ""), (2, "canary")]


def test_several_selectors_of_one_batch(shared: Scoring) -> None:
    """Results follow the selectors; those of one selector follow each other, in the order of their first rows."""
    visitors = [visitor_of(EVEN, share) for share in ("canary", "", "canary", "next")]
    reply = answer_all(shared, ask_all(visitors, selectors=[Selector(), Selector(label="next"), Selector(model="web")]))
    assert [(one.model, one.version, list(one.rows)) for one in reply.results] == [
        ("shop", 2, [0, 2]),
        ("shop", 1, [1]),
        ("shop", 3, [3]),
        ("shop", 3, []),
        ("web", 0, []),
    ]


def test_vector_of_another_share(shared: Scoring) -> None:
    """The vector of one version is read by names for the visitors of another, and of either in one batch."""
    for share, number, remapped in (("", 3, True), ("next", 1, True), ("next", 3, False), ("canary", 1, False)):
        visitor = visitor_of(EVEN, share)
        (result,) = answer(shared, ask(visitor, vector(number, 5))).results
        assert (result.feature_quality.remapped, result.values["spend_30d"].expected) == (remapped, 5)
        assert result.feature_quality.missing == remapped
    visitors = [visitor_of(EVEN, share) for share in ("next", "", "next")]
    reply = answer_all(shared, ask_all(visitors, [vector(1, 1), vector(3, 2), vector(3, 3)]))
    third, first = reply.results
    assert (list(third.rows), list(third.remapped), list(third.missing)) == ([0, 2], [True, False], [1, 0])
    assert (list(first.rows), list(first.remapped), list(first.missing)) == ([1], [True], [1])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Features(numbers={"age": 1}), "no feature 'age'|'age'"),
        (vector(2, float("nan")), "is nan"),
        (Features(vector=[1, 2], schema_fingerprint="0" * 32), "no version in the repository"),
    ],
)
@pytest.mark.parametrize("share", ["", "canary", "next"])
def test_wrong_row_of_a_shared_batch(shared: Scoring, share: str, wrong: Features, reason: str) -> None:
    """It is named by its number in the request, whichever version reads it."""
    visitors = [visitor_of(EVEN, one) for one in ("canary", "next", "", share, "canary", "next", "")]
    features = [vector(1, 1)] * len(visitors)
    features[3] = wrong
    with pytest.raises(InvalidRequest, match=rf"^rows\[3\]: .*({reason})"):
        answer_all(shared, ask_all(visitors, features))


def test_late_shared_batch(shared: Scoring, measured: Measured) -> None:
    """What is known of anybody is that of each visitor's own version; those held out are still that."""
    held = visitor_of(EVEN, "next", is_held_out=True)
    visitors = [visitor_of(EVEN, "canary"), "", held, visitor_of(EVEN, "canary", prefix="w")]
    prepared = shared.prepare_batch(ask_all(visitors, when_late=PRIOR).SerializeToString())
    reply = scoring_pb2.ScoreBatchReply.FromString(shared.late_batch(prepared))
    seen = [(*said(one), list(one.rows)) for one in reply.results]
    assert seen == [(2, "canary", LATE, [0, 3]), (1, "stable", LATE, [1]), (3, "next", HOLDOUT, [2])]
    likely = [list(one.propensities["buys_7d"].probabilities) for one in reply.results]
    assert likely == [pytest.approx([0.2, 0.2]), pytest.approx([0.1]), pytest.approx([0.3])]
    counted = [
        measured.sample(f"audience_rows_{name}_total", model="shop", version=version)
        for name, version in (("degraded", "2"), ("degraded", "1"), ("degraded", "3"), ("held_out", "3"))
    ]
    assert counted == [2, 1, 0, 1]


def test_counters(shared: Scoring, measured: Measured) -> None:
    """Rows are counted by the version that scored them."""

    def counts(name: str) -> list[float]:
        return [measured.sample(f"audience_{name}_total", model="shop", version=version) for version in "123"]

    for share in ("canary", "canary", "next"):
        answer(shared, ask(visitor_of(EVEN, share), vector(1, 1)))
    assert (counts("rows"), counts("rows_remapped")) == ([0, 2, 1], [0, 0, 1])
    visitors = [visitor_of(EVEN, share) for share in ("", "canary", "next", "")]
    visitors.append(visitor_of(EVEN, "", is_held_out=True))
    answer_all(shared, ask_all(visitors, [vector(1, 1)] * 5))
    assert (counts("rows"), counts("rows_remapped")) == ([2, 3, 2], [0, 0, 2])
    assert counts("rows_held_out") == [1, 0, 0]
