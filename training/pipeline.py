"""From records to a published version, stage by stage."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from training import grocery
from training.export.graph import build_graph
from training.export.parity import Evidence, prove
from training.features import Features, FeatureSpec, to_schema, typical
from training.grocery import Records, Snapshots
from training.heads import Head, Outcome, Question, Segmentation
from training.keys import issue_keys, match_keys
from training.manifest import Identity, Segments, build_manifest
from training.names import name_segments, traits
from training.outcomes import Rows, fit_propensity, fit_value
from training.previous import Previous, find_previous, next_version
from training.publish import bundle_files, publish
from training.segmentations.centroids import fit_centroids
from training.segmentations.mixture import fit_mixture
from training.segmentations.shaping import Shaping
from training.signature import SigningKey
from training.split import split

Step = Callable[[str], AbstractContextManager[None]]
STEPS = 9
LEAST_FEATURES = 2  # of a segmentation

VALUE_FEATURES = ("recency_days", "baskets_84d", "spend_84d", "basket_value", "spend_trend")
STYLE_FEATURES = (
    "produce_share",
    "meat_share",
    "drugstore_share",
    "fuel_share",
    "discount_share",
    "private_label_share",
    "morning_share",
    "evening_share",
    "weekend_share",
    "basket_lines",
)


class WrongOrder(Exception):
    """What was asked for cannot be trained. The text says why, and what can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to train.

    Attributes:
        repository: where to publish.
        model: name of the model.
        until: only records before this moment, in the store's local time, are used.
        without: features to leave out.
        names: names that people gave to segments, by key.
        seed: of every random number.
        signing_key: whose signature the version gets; None for none.
    """

    repository: Path
    model: str
    until: datetime
    without: frozenset[str]
    names: Mapping[str, str]
    seed: int
    signing_key: SigningKey | None = None


# Each outcome: what is asked, and the label that answers it.
SHOPS_AGAIN = (Question("shops_again_7d", "shops again within 7 days", 7), grocery.SHOPS_AGAIN)
REDEEMS = (Question("redeems_coupon_30d", "redeems a campaign coupon within 30 days", 30), grocery.REDEEMS)
SPEND = (Question("spend_90d", "spend in the next 90 days", 90, "USD"), grocery.SPEND)


@dataclass(frozen=True, slots=True)
class Columns:
    """The features that are used, and where they are among the records' own."""

    specs: Sequence[FeatureSpec]
    positions: Sequence[int]

    def of(self, snapshots: Snapshots) -> Features:
        """Shape (n, features used)."""
        return np.ascontiguousarray(snapshots.features[:, self.positions])


@dataclass(frozen=True, slots=True)
class Trained:
    """What was published, and what it was made from.

    Attributes:
        folder: of the new version.
        heads: as fitted, in the order of their columns.
        specs: the features, in the order of the columns.
    """

    folder: Path
    heads: Sequence[Head]
    specs: Sequence[FeatureSpec]


def train(order: Order, step: Step) -> Trained:
    """Trains every head, proves the graph, and publishes.

    Args:
        order: what to train.
        step: names a stage while it runs, STEPS of them.

    Raises:
        WrongOrder, TooFewDates, NotExportable, NoParity, NotPublished, BadNames: the text says why; nothing was
            published.
    """
    columns = _checked(order)
    with step("Reading the records"):
        records = Records(order.until)
        visitors = columns.of(records.snapshots([order.until]))
    with step("Segmentation by value: k-means, k by stability"):
        shaping = Shaping.fit(visitors, columns.specs, VALUE_FEATURES)
        value = fit_centroids("customer_value", "how valuable the customer is", shaping, visitors, order.seed)
    with step("Segmentation by style: Gaussian mixture, components by BIC"):
        shaping = Shaping.fit(visitors, columns.specs, STYLE_FEATURES)
        style = fit_mixture("shopping_style", "what and when the customer buys", shaping, visitors, order.seed)
    outcomes = []
    for question, label in (SHOPS_AGAIN, REDEEMS, SPEND):
        with step(f"Outcome: {question.title}"):
            outcomes.append(_fit_outcome(question, label, records, columns, order.seed))
    heads: list[Head] = [value, style, *outcomes]
    with step("One ONNX graph, compared with scikit-learn"):
        graph = build_graph(heads, len(columns.specs))
        evidence = prove(graph, heads, visitors, columns.specs)
    with step("Segment keys and names"):
        schema = to_schema(columns.specs, typical(visitors, columns.specs))
        previous = find_previous(order.repository, order.model, schema, visitors)
        version = next_version(order.repository, order.model)
        segments = {h.name: _segments(h, version, visitors, columns, previous, order.names) for h in (value, style)}
    with step(f"Publishing {order.model}/{version}"):
        identity = _identity(order, version, previous)
        manifest = build_manifest(identity, columns.specs, heads, segments, visitors, evidence)
        reference = (evidence.reference_features, evidence.reference_scores)
        files = bundle_files(manifest, graph, reference, _evaluation(heads, segments, evidence))
        folder = publish(order.repository, order.model, version, files, order.signing_key)
    return Trained(folder, heads, columns.specs)


def _checked(order: Order) -> Columns:
    """The features to use, when the order can be carried out at all: better said now than after minutes of work."""
    if order.until > grocery.DAY_AFTER_LAST:
        raise WrongOrder(
            f"the records end before {grocery.DAY_AFTER_LAST:%Y-%m-%d}; nothing is known until {order.until:%Y-%m-%d}"
        )
    for question, _ in (SHOPS_AGAIN, REDEEMS, SPEND):
        split(grocery.dates(order.until, question.horizon_days), question.horizon_days)
    for head, names in (("customer_value", VALUE_FEATURES), ("shopping_style", STYLE_FEATURES)):
        left = [name for name in names if name not in order.without]
        if len(left) < LEAST_FEATURES:
            raise WrongOrder(f"{head} needs at least {LEAST_FEATURES} of {', '.join(names)}")
    positions = [i for i, spec in enumerate(grocery.FEATURES) if spec.name not in order.without]
    return Columns([grocery.FEATURES[i] for i in positions], positions)


def _fit_outcome(question: Question, label: str, records: Records, columns: Columns, seed: int) -> Outcome:
    dates = split(grocery.dates(records.until, question.horizon_days), question.horizon_days)
    past, later = records.snapshots(dates.train), records.snapshots(dates.test)
    train_rows, test_rows = (
        Rows(columns.of(rows), records.labels(rows, label, question.horizon_days), rows.visitors)
        for rows in (past, later)
    )
    if not question.unit:
        return fit_propensity(question, train_rows, test_rows, seed)
    naive = _window_spend(later) * question.horizon_days / grocery.WINDOW_DAYS
    return fit_value(question, train_rows, test_rows, naive, seed)


def _window_spend(snapshots: Snapshots) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    position = [spec.name for spec in grocery.FEATURES].index("spend_84d")
    return snapshots.features[:, position].astype(np.float64)


def _segments(  # noqa: PLR0913, PLR0917  # what is named, by what, and what it was called before
    head: Segmentation,
    version: int,
    visitors: Features,
    columns: Columns,
    previous: Previous | None,
    given_names: Mapping[str, str],
) -> Segments:
    labels = head.assign(visitors)
    before = previous.segmentation(head.name) if previous else None
    keys = issue_keys(head.name, version, head.count)
    old_names: Mapping[str, str] = {}
    if before is not None:
        previous_labels, known, old_names = before
        keys = match_keys(head.name, version, head.count, labels, previous_labels, known)
    names = {i: {**old_names, **given_names}.get(keyed.key, "") for i, keyed in enumerate(keys)}
    all_traits = [traits(visitors, labels, i, head.shaping, columns.specs) for i in range(head.count)]
    kept = {keyed.key for keyed in keys}
    return Segments(
        keys=keys,
        names=name_segments(all_traits, {position: name for position, name in names.items() if name}),
        traits=all_traits,
        labels=labels,
        retired=[key for key in old_names if key not in kept],
    )


def _identity(order: Order, version: int, previous: Previous | None) -> Identity:
    until = order.until.replace(tzinfo=ZoneInfo(grocery.ZONE))
    return Identity(
        model=order.model,
        version=version,
        previous_version=previous.model.version if previous else 0,
        created_ms=time.time_ns() // 1_000_000,
        data=grocery.DATA,
        until_ms=round(until.timestamp() * 1000),
    )


def _evaluation(heads: Sequence[Head], segments: Mapping[str, Segments], evidence: Evidence) -> dict[str, object]:
    """Every figure, for evaluation.json."""
    figures: dict[str, object] = {
        "parity": {
            "rows": evidence.row_count,
            "edge_rows": evidence.edge_row_count,
            "largest_difference": dict(evidence.largest_difference),
        }
    }
    for head in heads:
        if isinstance(head, Segmentation):
            figures[head.name] = {"segments": head.count, "tried": list(head.tried)} | _kept(segments[head.name])
        elif isinstance(head, Outcome):
            figures[head.name] = {
                "horizon_days": head.question.horizon_days,
                "unit": head.question.unit,
            } | head.evaluation
    return figures


def _kept(segments: Segments) -> dict[str, object]:
    return {
        "kept": [keyed.key for keyed in segments.keys if keyed.overlap is not None],
        "new": [keyed.key for keyed in segments.keys if keyed.overlap is None],
        "retired": list(segments.retired),
    }
