"""Everything that is known of a version, before it is published: evaluation.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.customer_value.baseline import WHAT
from training.export.parity import Evidence
from training.features import FeatureSpec
from training.heads import Approximation, CheckedOutcome, Hierarchy, Segmentation
from training.judging.amounts import amount_figures
from training.judging.document import Entry, document
from training.judging.gates import judge_gates
from training.judging.leakage import find_leaks
from training.judging.outcome import Asked, judge_outcome
from training.judging.overlap import overlap
from training.judging.rates import Judged
from training.judging.segmentation import Made, judge_segmentation
from training.manifest import Identity
from training.material import Material
from training.naming import Segments
from training.orders import AnyOutcome, Orders
from training.outcomes.predictor import Predictor
from training.segmentations.order import RULES, SegmentationOrder, choice_rule, refitted
from training.segmentations.surrogate import fit_surrogate, to_evaluation
from training.table import Table
from training.texts.fit import TextHead


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """What was fitted, and to what.

    Attributes:
        orders: by which.
        material: to which rows.
        segmentations: in the order of the orders.
        outcomes: in the order of the orders.
        segments: keys and names by the name of the segmentation.
        mitigations: what reducing a bias changed, by the name of the outcome.
        texts: text heads.
    """

    orders: Orders
    material: Material
    segmentations: Sequence[Segmentation]
    outcomes: Sequence[CheckedOutcome]
    segments: Mapping[str, Segments]
    mitigations: Mapping[str, Entry]
    texts: Sequence[TextHead] = ()


def leaks(fitted: Fitted, seed: int) -> list[Entry]:
    """What looks as if an outcome was known beforehand, of all outcomes."""
    pairs = zip(fitted.orders.outcomes, fitted.outcomes, strict=True)
    known_at = dict(fitted.orders.judging.known_at)
    table = fitted.material.table
    found = (find_leaks(order.name, order.kind, table, head.tested, known_at, seed) for order, head in pairs)
    return [finding for findings in found for finding in findings]


def evaluate(fitted: Fitted, identity: Identity, evidence: Evidence, leakage: Sequence[Entry], seed: int) -> Entry:
    """evaluation.json.

    Args:
        fitted: the heads.
        identity: which version they make.
        evidence: of parity.
        leakage: what `leaks` found.
        seed: of every random number.

    Raises:
        CannotJudge: the rows that are left for a test do not say how good a head is.
        NoSuchColumn: fairness is to be looked at by a column that is not there.
    """
    orders, material = fitted.orders, fitted.material
    newest = material.newest
    judged = [
        Judged(head, order.kind, material.table) for order, head in zip(orders.outcomes, fitted.outcomes, strict=True)
    ]
    segmentations = {
        head.name: _segmentation(fitted, order, head, judged, newest, seed)
        for order, head in zip(orders.segmentations, fitted.segmentations, strict=True)
    }
    outcomes = {
        head.name: _outcome(fitted, order, head, seed)
        for order, head in zip(orders.outcomes, fitted.outcomes, strict=True)
    }
    return document(
        model=_model(orders, material, identity, newest),
        quality=material.quality.to_evaluation(),
        leakage=leakage,
        parity={
            "rows": evidence.row_count,
            "edge_rows": evidence.edge_row_count,
            "largest_difference": dict(evidence.largest_difference),
        },
        segmentations=segmentations,
        overlap=overlap(fitted.segmentations, fitted.segments, judged, newest, orders.judging.audiences),
        outcomes=outcomes,
        journeys=material.journeys,
        texts={head.name: _text(head) for head in fitted.texts},
        gates=judge_gates(orders.gates, segmentations, outcomes),
        approval=asdict(orders.approval) if orders.approval.required else None,
    )


def _text(head: TextHead) -> Entry:
    return {"title": head.order.title, "kind": head.order.kind, **head.evaluation}


def _model(orders: Orders, material: Material, identity: Identity, newest: Table) -> Entry:
    defaults = material.defaults
    missing = newest.is_missing.mean(axis=0)
    return {
        "name": identity.model,
        "title": orders.configuration.model.title,
        "version": identity.version,
        "created_ms": identity.created_ms,
        "data": material.data,
        "row_count": len(material.table),
        "visitor_count": int(np.unique(newest.visitors).size),
        "until_ms": material.until_ms or None,
        "features": [
            _feature(spec, default, share)
            for spec, default, share in zip(newest.specs, defaults.tolist(), missing.tolist(), strict=True)
        ],
    }


def _feature(spec: FeatureSpec, default: float, missing_share: float) -> Entry:
    return {
        "name": spec.name,
        "kind": "category" if spec.vocabulary else "number",
        "unit": spec.unit,
        "description": spec.description,
        "default": spec.vocabulary[int(default)] if spec.vocabulary else default,
        "missing_share": missing_share,
    }


def _segmentation(  # noqa: PLR0913, PLR0917  # whose, as it was ordered and fitted, and what came of its visitors
    fitted: Fitted, order: SegmentationOrder, head: Segmentation, judged: Sequence[Judged], newest: Table, seed: int
) -> Entry:
    segments = fitted.segments[head.name]
    surrogate = None if order.method in RULES else fit_surrogate(head, newest, seed)
    keys = {position: keyed.key for position, keyed in enumerate(segments.keys)}
    made = Made(
        method=order.method,
        chosen_by=choice_rule(order),
        refit=None if order.method in RULES else lambda table: refitted(order, head, table, seed),
        fidelity=head.fidelity if isinstance(head, Approximation) else None,
        surrogate=None if surrogate is None else to_evaluation(surrogate, keys),
        parents=dict(enumerate(segments.parents)),
        groups=_groups(segments, len(newest)) if isinstance(head, Hierarchy) else (),
    )
    return judge_segmentation(head, segments, made, fitted.material.table, judged, fitted.orders.judging, seed)


def _groups(segments: Segments, count: int) -> list[Mapping[str, Any]]:
    return [
        {
            "key": group.keyed.key,
            "name": group.name,
            "size": round(group.share * count),
            "share": group.share,
            "parent": group.parent or None,
        }
        for group in segments.groups
    ]


def _outcome(fitted: Fitted, order: AnyOutcome, head: CheckedOutcome, seed: int) -> Entry:
    words = head.classes if isinstance(head, Predictor) else ()
    reduced = head.reduced if isinstance(head, Predictor) else ()
    asked = Asked(
        kind=order.kind,
        label=_label(order),
        words=words,
        without=[(one.features, one.tested) for one in reduced],
    )
    entry = judge_outcome(head, asked, fitted.material.table, fitted.orders.judging, seed)
    expected = fitted.material.baselines.get(head.name)
    if expected is not None:
        rows = head.tested.rows
        entry["baseline"] = {"what": WHAT, "figures": amount_figures(expected[rows], head.tested.actual)}
    return entry | ({"mitigation": fitted.mitigations[head.name]} if head.name in fitted.mitigations else {})


def _label(order: AnyOutcome) -> str:
    return order.label or ""
