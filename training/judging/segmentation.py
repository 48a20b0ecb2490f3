"""Everything that is known of a segmentation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.heads import Segmentation
from training.judging.dates import newest
from training.judging.document import Entry
from training.judging.importance import some_visitors
from training.judging.migration import migration
from training.judging.order import JudgingOrder
from training.judging.rates import Judged, segment_outcomes
from training.judging.separation import separation
from training.judging.stability import stability
from training.names import Trait
from training.naming import Segments
from training.segmentations.stability import Refit
from training.table import Table

_MOST_VISITORS = 10_000  # to be fitted again, many times


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a segmentation came about, as far as its answers do not say.

    Attributes:
        method: as the configuration calls it.
        chosen_by: the rule by which the number of segments was chosen, None where it was given.
        refit: given visitors, what fits it again to samples of them; None where nothing is learnt, as by rules.
        fidelity: how often its assigner says what was fitted; None where they are the same.
        surrogate: rules that say nearly the same, as in evaluation.json.
        parents: key of the group that a segment is part of, by position.
        groups: the groups of a hierarchy, each with key, name, size, share and parent.
    """

    method: str
    chosen_by: str | None = None
    refit: Callable[[Table], Refit] | None = None
    fidelity: float | None = None
    surrogate: Mapping[str, Any] | None = None
    parents: Mapping[int, str] = field(default_factory=dict)
    groups: Sequence[Mapping[str, Any]] = ()


def judge_segmentation(  # noqa: PLR0913, PLR0917  # the head, its names, its making, the rows, what came, how
    head: Segmentation,
    segments: Segments,
    made: Made,
    table: Table,
    judged: Sequence[Judged],
    order: JudgingOrder,
    seed: int,
) -> Entry:
    """The head's part of evaluation.json.

    Args:
        head: fitted.
        segments: its keys, names and traits, of the visitors of the newest moment.
        made: how it came about.
        table: visitors at every moment that is known of them, the newest among them.
        judged: outcomes, whose rates in each segment are given.
        order: how to judge.
        seed: of every random number.
    """
    now = newest(table)
    labels = head.assign(now.features)
    apart = separation(now.features, labels, head.shaping, head.count, seed)
    found = _stability(head, made, now, order, seed)
    rates = segment_outcomes(head, judged, order, seed)
    keys = [keyed.key for keyed in segments.keys]
    sizes = np.bincount(labels[labels >= 0], minlength=head.count)
    return {
        "title": head.title,
        "method": made.method,
        "count": head.count,
        "outlier_share": float((labels < 0).mean()),
        "chosen_by": made.chosen_by,
        "tried": list(head.tried),
        "silhouette": apart["silhouette"],
        "davies_bouldin": apart["davies_bouldin"],
        "calinski_harabasz": apart["calinski_harabasz"],
        "stability": found and found | {"jaccard": dict(zip(keys, found["jaccard"], strict=True))},
        "fidelity": made.fidelity,
        "surrogate": made.surrogate,
        "migration": migration(head, table, keys, order.migration_days),
        "segments": [
            {
                "key": key,
                "name": segments.names[position],
                "size": int(sizes[position]),
                "share": float(sizes[position] / max(1, len(labels))),
                "parent": made.parents.get(position),
                "jaccard": found["jaccard"][position] if found else None,
                "silhouette": apart["silhouettes"][position],
                "kept": segments.keys[position].overlap is not None,
                "traits": [_trait(trait) for trait in segments.traits[position]],
                "outcomes": rates[position],
            }
            for position, key in enumerate(keys)
        ],
        "groups": list(made.groups),
        "retired": list(segments.retired),
    }


def _stability(head: Segmentation, made: Made, now: Table, order: JudgingOrder, seed: int) -> Entry | None:
    """On at most 10,000 visitors."""
    if made.refit is None or not order.refits:
        return None
    some = now.where(some_visitors(now.visitors, _MOST_VISITORS, seed))
    return stability(head.assign(some.features), head.count, made.refit(some), order.refits, seed)


def _trait(trait: Trait) -> Entry:
    return {
        "feature": trait.spec.name,
        "description": trait.spec.description,
        "unit": trait.spec.unit,
        "mean": trait.mean,
        "population_mean": trait.population_mean,
        "effect": trait.effect,
    }
