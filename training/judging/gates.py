"""What heads have to reach before a version is published."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from training.errors import NotTrained
from training.judging.document import Entry, plain

Reading = Callable[[Mapping[str, Any]], float | None]

_PROPENSITY: Final = ("propensity",)
_EVENTS: Final = (*_PROPENSITY, "lookalike")
_OUTCOMES: Final = (*_EVENTS, "classes", "value", "uplift")
_SEGMENTATION: Final = ("segmentation",)


class Refused(NotTrained):
    """Heads do not reach what they have to. The text names each gate that does not hold, and by how much."""


class NoSuchHead(NotTrained):
    """Gates are set for a head that is not there. The text says which there are."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What is looked at, in a head's part of evaluation.json, and on which side of the needed figure it has to be.

    Attributes:
        is_minimum: whether the figure has to reach the needed one, or not to go beyond it.
        kinds: of the heads that have the figure.
        read: the figure, None where it is not known.
    """

    is_minimum: bool
    kinds: tuple[str, ...]
    read: Reading

    def holds(self, reached: float | None, needed: float) -> bool:
        """Whether it does; a figure that is not known holds nothing."""
        if reached is None:
            return False
        return reached >= needed if self.is_minimum else reached <= needed


@dataclass(frozen=True, slots=True)
class Gates:
    """What is needed, by the name of the gate.

    Attributes:
        every: of every head of a kind that has the figure.
        heads: of a head alone, by its name; before `every`.
    """

    every: Mapping[str, float]
    heads: Mapping[str, Mapping[str, float]]


def _figure(name: str) -> Reading:
    return lambda entry: entry["figures"].get(name)


def _field(name: str) -> Reading:
    return lambda entry: entry.get(name)


def _total_error(entry: Mapping[str, Any]) -> float | None:
    ratio = entry["figures"].get("total_ratio")
    return None if ratio is None else abs(ratio - 1)


def _worst_drift(entry: Mapping[str, Any]) -> float | None:
    return max((one["psi"] for one in entry["drift"]), default=None)


def _least_ratio(entry: Mapping[str, Any]) -> float | None:
    """Of the columns; not known when there is none, or when one of them has fewer than two groups to compare."""
    ratios = [one["selection_rate_ratio"] for one in entry["fairness"]]
    return None if not ratios or None in ratios else min(ratios)


def _widest_gap(entry: Mapping[str, Any]) -> float | None:
    gaps = [one["true_positive_gap"] for one in entry["fairness"]]
    return None if not gaps or None in gaps else max(gaps)


def _least_stable(entry: Mapping[str, Any]) -> float | None:
    found = list(entry["stability"]["jaccard"].values()) if entry["stability"] else []
    return None if not found or None in found else min(found)


def _mean_stability(entry: Mapping[str, Any]) -> float | None:
    return entry["stability"]["adjusted_rand"] if entry["stability"] else None


def _smallest_share(entry: Mapping[str, Any]) -> float | None:
    return min((segment["share"] for segment in entry["segments"]), default=None)


GATES: Final[Mapping[str, Gate]] = {
    "minimum_auc": Gate(True, _EVENTS, _figure("roc_auc")),
    "minimum_average_precision": Gate(True, _EVENTS, _figure("average_precision")),
    "minimum_brier_skill": Gate(True, _PROPENSITY, _figure("brier_skill")),
    "minimum_lift": Gate(True, _EVENTS, _figure("lift_top_decile")),
    "maximum_calibration_error": Gate(False, (*_PROPENSITY, "classes"), _figure("calibration_error")),
    "maximum_total_error": Gate(False, (*_PROPENSITY, "value"), _total_error),
    "minimum_fairness_ratio": Gate(True, _EVENTS, _least_ratio),
    "maximum_true_positive_gap": Gate(False, _EVENTS, _widest_gap),
    "minimum_accuracy": Gate(True, ("classes",), _figure("accuracy")),
    "minimum_top3": Gate(True, ("classes",), _figure("top3")),
    "minimum_spearman": Gate(True, ("value",), _figure("spearman")),
    "minimum_gini": Gate(True, ("value",), _figure("normalized_gini")),
    "minimum_qini": Gate(True, ("uplift",), _figure("qini")),
    "maximum_drift": Gate(False, _OUTCOMES, _worst_drift),
    "minimum_stability": Gate(True, _SEGMENTATION, _least_stable),
    "minimum_adjusted_rand": Gate(True, _SEGMENTATION, _mean_stability),
    "minimum_silhouette": Gate(True, _SEGMENTATION, _field("silhouette")),
    "minimum_share": Gate(True, _SEGMENTATION, _smallest_share),
    "minimum_fidelity": Gate(True, _SEGMENTATION, _field("fidelity")),
    "maximum_outlier_share": Gate(False, _SEGMENTATION, _field("outlier_share")),
}


_RULES: Final = ("rules", "rfm", "lifecycle")
_EXACT: Final = (*_RULES, "kmeans", "minibatch_kmeans", "gaussian_mixture")
# Methods of segmentations that never have a figure, by the gate.
_WITHOUT: Final[Mapping[str, Sequence[str]]] = {
    "minimum_stability": _RULES,
    "minimum_adjusted_rand": _RULES,
    "minimum_fidelity": _EXACT,
}


def unknown_gate(name: str) -> str:
    """What to say of a gate that there is not."""
    close = difflib.get_close_matches(name, GATES, 1)
    return f"there is no gate {name}; " + (f"did you mean {close[0]}?" if close else f"there are {', '.join(GATES)}")


def check_heads(gates: Gates, heads: Mapping[str, str]) -> None:
    """Passes when each head with gates of its own is there and has these figures: said before anything is fitted.

    Args:
        gates: what is needed.
        heads: kind of each by its name; "segmentation", or an outcome's.

    Raises:
        NoSuchHead: one is not.
    """
    for head, own in gates.heads.items():
        if head not in heads:
            raise NoSuchHead(f"[gates.{head}] is of no head; there are {', '.join(heads)}")
        for gate in own:
            if heads[head] not in GATES[gate].kinds:
                fit = [name for name, one in GATES.items() if heads[head] in one.kinds]
                raise NoSuchHead(f"{gate} means nothing for {head}, a {heads[head]}; there are {', '.join(fit)}")
    for gate in gates.every:
        if not any(kind in GATES[gate].kinds for kind in heads.values()):
            raise NoSuchHead(f"{gate} means nothing for any head; it is for {', '.join(GATES[gate].kinds)}")


def judge_gates(
    gates: Gates, segmentations: Mapping[str, Mapping[str, Any]], outcomes: Mapping[str, Mapping[str, Any]]
) -> list[Entry]:
    """What is needed and what was reached, head by head, as in evaluation.json."""
    entries = [(name, "segmentation", entry) for name, entry in segmentations.items()]
    entries += [(name, str(entry["kind"]), entry) for name, entry in outcomes.items()]
    return [result for name, kind, entry in entries for result in _judge(gates, name, kind, plain(entry))]


def _judge(gates: Gates, head: str, kind: str, entry: Mapping[str, Any]) -> Iterator[Entry]:
    wanted = {
        **{gate: needed for gate, needed in gates.every.items() if _has(gate, entry)},
        **gates.heads.get(head, {}),
    }
    for name, gate in GATES.items():
        if name in wanted and kind in gate.kinds:
            reached = gate.read(entry)
            holds = gate.holds(reached, wanted[name])
            yield {"gate": name, "head": head, "needed": wanted[name], "reached": reached, "holds": holds}


def _has(gate: str, entry: Mapping[str, Any]) -> bool:
    """Whether the head's method gives the figure at all: rules are not learnt, and most methods do not approximate."""
    return entry.get("method") not in _WITHOUT.get(gate, ())


def check_gates(results: Sequence[Mapping[str, Any]]) -> None:
    """Passes when every gate holds.

    Raises:
        Refused: one does not.
    """
    failed = [_failure(result) for result in results if not result["holds"]]
    if failed:
        raise Refused(f"{len(failed)} of {len(results)} gates do not hold: {'; '.join(failed)}")


def _failure(result: Mapping[str, Any]) -> str:
    needed, reached = result["needed"], result["reached"]
    place = f"{result['head']}: {result['gate']} is {needed:g}"
    if reached is None:
        return f"{place}, and nothing is known of it"
    return f"{place}, reached is {reached:.4g}, {abs(needed - reached):.2g} too {_direction(needed, reached)}"


def _direction(needed: float, reached: float) -> str:
    return "little" if reached < needed else "much"
