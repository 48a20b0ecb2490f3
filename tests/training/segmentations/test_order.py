import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.training.segmentations.visitors import SPECS, answers, blobs, sessions, table
from training.configuration.section import BadConfig, Section
from training.export.graph import build_graph
from training.export.parity import prove
from training.features import Features
from training.heads import MARGIN, NO_SEGMENT, Segmentation, column
from training.segmentations import order as orders
from training.segmentations.density import Density
from training.segmentations.order import LEARNED, SegmentationOrder, fit_segmentation, read_segmentation, refitted
from training.segmentations.population import CannotSegment
from training.segmentations.stability import bootstrap_stability

METHODS = pytest.mark.parametrize("method", LEARNED)


def _read(**keys: object) -> SegmentationOrder:
    return read_segmentation(Section({"name": "style", "method": "kmeans"} | keys, "segmentations[0]"))


def _ordered(method: str) -> SegmentationOrder:
    """Four segments where a method is told how many, and large ones where it is not."""
    if method == "hierarchy":
        return _read(method=method, levels=[2, 4])
    if method in {"dbscan", "hdbscan"}:
        return _read(method=method, smallest_share=0.1)
    return _read(method=method, count=4)


def test_defaults() -> None:
    """A name and a method are enough."""
    assert _read() == SegmentationOrder(name="style", title="style", method="kmeans")
    assert _read().counts == (3, 4, 5, 6, 7, 8)
    assert _read(method="hierarchy").levels == (3, 8)
    assert _read(method="dbscan").density == Density(eps=None, min_samples=None, smallest_share=0.01)


def test_all_keys() -> None:
    """Every key of every method arrives where it belongs."""
    kmeans = _read(title="how they buy", features=["x", "y"], count=5, smallest_share=0.1)
    assert (kmeans.title, kmeans.features, kmeans.counts, kmeans.smallest_share) == (
        "how they buy",
        ("x", "y"),
        (5,),
        0.1,
    )
    assert _read(method="gaussian_mixture", count=[2, 4]).counts == (2, 3, 4)
    assert _read(method="hierarchy", levels=[2, 5, 9]).levels == (2, 5, 9)
    dbscan = _read(method="dbscan", eps=0.5, min_samples=7, smallest_share=0)
    assert dbscan.density == Density(eps=0.5, min_samples=7, smallest_share=0)
    assert _read(method="hdbscan", min_samples=7).density == Density(min_samples=7)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"name": "Style!"}, "name has other characters"),
        ({"method": "kmean"}, "method is 'kmean'; needed is one of kmeans, "),
        (
            {"count": 1},
            r"count is needed as a number of segments, such as 5, or as a range, such as \[3, 8\], from 2 to",
        ),
        ({"count": [8, 3]}, "count is needed as"),
        ({"count": [3, 5, 8]}, "count is needed as"),
        ({"count": 101}, "count is needed as"),
        ({"count": "five"}, "count is needed as"),
        ({"count": [3, "8"]}, "count is needed as"),
        ({"counts": 5}, "counts means nothing here; did you mean count"),
        ({"levels": [3, 8]}, "levels means nothing here"),
        ({"smallest_share": 1}, "smallest_share is a share of the visitors"),
        ({"method": "hierarchy", "levels": [8, 3]}, "levels is needed as ascending numbers of groups from 2 to 100"),
        ({"method": "hierarchy", "levels": []}, "levels is needed as ascending"),
        ({"method": "hierarchy", "levels": [3, 3]}, "levels is needed as ascending"),
        ({"method": "hierarchy", "count": 3}, "count means nothing here"),
        ({"method": "dbscan", "eps": 0}, "eps is in standard deviations of the features, at least 0.001, such as 0.5"),
        ({"method": "dbscan", "min_samples": 1}, "min_samples counts the visitor itself too; it is needed from 2 on"),
        ({"method": "hdbscan", "eps": 0.5}, "eps means nothing here"),
    ],
)
def test_refused(keys: dict[str, object], text: str) -> None:
    """What is wrong is said with its place and what would be right; keys of other methods mean nothing."""
    with pytest.raises(BadConfig, match=rf"^segmentations\[0\] \(.*\): .*{text}"):
        _read(**keys)


@METHODS
def test_every_method_is_a_segmentation(method: str) -> None:
    """Clear groups are the segments, largest first, in the graph too; fitted again, the graph has the same bytes."""
    features = blobs((140, 120, 100, 80))
    heads = [fit_segmentation(_ordered(method), table(features), 3) for _ in range(2)]
    head = heads[0]
    assert isinstance(head, Segmentation)
    assert head.count == 4
    assert (np.bincount(head.assign(features) + 1, minlength=5)[1:] >= [130, 110, 90, 72]).all()
    np.testing.assert_allclose(answers(head, features)[:, 0], head.assign(features))
    assert len({build_graph([one], 2) for one in heads}) == 1


@METHODS
def test_graph_on_rows_that_were_not_seen(method: str) -> None:
    """On 10,000 held-out and edge rows the graph agrees with NumPy: labels off borders, numbers within 1e-5."""
    real = sessions()
    seen = real.where(np.arange(2000))
    head = fit_segmentation(_ordered(method), seen, 0)
    unseen = real.features[2000:12_000]
    evidence = prove(build_graph([head], len(real.specs)), [head], unseen, real.specs)
    assert evidence.row_count == 10_000
    assert evidence.edge_row_count > 20
    assert evidence.largest_difference["style"] <= 1e-5


@METHODS
def test_clear_groups_are_found_again(method: str) -> None:
    """Fitted to bootstrap samples, every method finds groups again that are clear."""
    features = blobs((140, 120, 100, 80))
    rows = table(features)
    order = _ordered(method)
    head = fit_segmentation(order, rows, 3)
    stability = bootstrap_stability(head.assign(features), head.count, refitted(order, head, rows, 3), 0, samples=2)
    assert (stability.jaccard > 0.85).all()
    assert stability.adjusted_rand > 0.85


@METHODS
@settings(max_examples=10, deadline=None)  # each fits
@given(rows=arrays.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(2)), elements=st.sampled_from([0, 1, 1e6])))
def test_few_odd_rows(method: str, rows: Features) -> None:
    """However few visitors there are, and however alike, they are segmented, in the graph too, or that is refused."""
    try:
        head = fit_segmentation(dataclasses.replace(_ordered(method), is_judged=False), table(rows), 0)
    except CannotSegment as error:
        assert str(error).startswith("segmentation 'style': ")  # noqa: PT017  # either is right
        return
    expected = head.scores(rows)
    assert set(expected[:, 0]) <= {NO_SEGMENT, *range(head.count)}
    margin = column(head, MARGIN)
    sure = np.ones(len(rows), dtype=bool) if margin is None else expected[:, margin] > 1e-5
    np.testing.assert_allclose(answers(head, rows)[sure], expected[sure], atol=1e-5)


def test_noise_is_not_found_again() -> None:
    """Segments of mere noise are not found again, so the figure can fail."""
    features = np.random.default_rng(0).uniform(-1, 1, (400, 2)).astype(np.float32)
    order = _read(count=7)
    head = fit_segmentation(order, table(features), 3)
    refit = refitted(order, head, table(features), 3)
    stability = bootstrap_stability(head.assign(features), head.count, refit, 0, samples=3)
    assert stability.jaccard.min() < 0.75


def test_what_was_chosen_stays_chosen() -> None:
    """A refit does not choose the number of segments again: as many as the head has."""
    features = blobs((140, 120, 100))
    order = _read(count=[3, 5])
    head = fit_segmentation(order, table(features), 0)
    labels = refitted(order, head, table(features), 0)(np.arange(280))
    assert np.unique(labels).tolist() == list(range(head.count))
    assert len(labels) == 360


def test_a_sample_that_cannot_be_segmented() -> None:
    """A sample of one visitor's copies finds nothing: nobody is in a segment."""
    features = blobs((140, 120, 100))
    order = _read(count=3)
    head = fit_segmentation(order, table(features), 0)
    labels = refitted(order, head, table(features), 0)(np.zeros(360, dtype=np.int64))
    assert labels.tolist() == [NO_SEGMENT] * 360


def test_errors_name_the_segmentation() -> None:
    """What cannot be segmented is said of the segmentation by its name."""
    with pytest.raises(CannotSegment, match=r"^segmentation 'style': 4 segments are asked for, and only 2 of the 6"):
        fit_segmentation(_read(count=4), table(np.repeat(blobs((1, 1)), 3, axis=0)), 0)
    with pytest.raises(CannotSegment, match=r"^segmentation 'style': z is no feature; there are x, y$"):
        fit_segmentation(_read(features=["z"]), table(blobs((5, 5)), SPECS[:2]), 0)


def test_rules_are_delegated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods by rules are read and fitted by their own module, with the section, name, title, method and seed."""
    module = SimpleNamespace(
        read_rules=lambda section, *of: (section.text("cells"), *of),
        fit_rules=lambda order, rows, seed: (order, len(rows), seed),
    )
    monkeypatch.setattr(orders, "_rules_module", lambda: module)
    read = _read(method="rfm", title="by value", cells="any")
    rules = ("any", "style", "by value", "rfm")
    assert read == SegmentationOrder(name="style", title="by value", method="rfm", rules=rules)
    fitted: Any = fit_segmentation(read, table(blobs((3, 4))), 9)
    assert fitted == (rules, 7, 9)
