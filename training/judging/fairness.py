"""Whether groups of people who are no feature are treated alike by a propensity."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from fairlearn.metrics import MetricFrame, count, mean_prediction, selection_rate, true_positive_rate
from sklearn.metrics import roc_auc_score

from training.heads import BoolArray, FloatArray
from training.judging.bins import calibration, calibration_error
from training.judging.document import Entry

Groups = npt.NDArray[np.str_]

NOT_KNOWN = "not known"
TOP_SHARE = 0.1
_LEAST_GROUPS = 2


def group_names(values: npt.NDArray[Any]) -> Groups:
    """The group of each row as a text; nothing, an empty text and NaN are NOT_KNOWN. Shape (n,)."""
    return np.array([NOT_KNOWN if _is_nothing(value) else str(value).strip() for value in values.tolist()])


def _is_nothing(value: object) -> bool:
    return value is None or value != value or not str(value).strip()  # noqa: PLR0124  # NaN alone is not itself


def cut(scores: FloatArray, threshold: float | None) -> tuple[float, str]:
    """From which score on somebody is chosen, and that in words: the threshold, or where the highest tenth begins."""
    if threshold is not None:
        return threshold, f"probability at least {threshold:g}"
    place = max(1, round(len(scores) * TOP_SHARE))
    found = float(np.sort(scores)[-place])
    return found, f"the tenth with the highest probability, from {found:.3g}"


def judge_groups(  # noqa: PLR0913, PLR0917  # who, what was said, what came, and how groups are looked at
    column: str,
    groups: Groups,
    scores: FloatArray,
    actual: FloatArray,
    threshold: float | None,
    smallest_group: int,
) -> Entry:
    """Figures of each group, the ratio of the lowest rate of being chosen to the highest, and the gap in recall.

    Groups with fewer rows than asked for, and those of whom the group is not known, are shown; ratio and gap are of the
    others, None when there are fewer than two.

    Args:
        column: whose groups they are.
        groups: shape (n,).
        scores: shape (n,), probabilities.
        actual: shape (n,), 0 or 1.
        threshold: from which probability on somebody is chosen; None: the highest tenth.
        smallest_group: rows that a group needs to have a say.

    Source: Fairlearn's MetricFrame; demographic parity ratio, and equal opportunity (Hardt, Price, Srebro 2016). A
        ratio of 0.8 is the four-fifths rule of the US Uniform Guidelines on Employee Selection Procedures, 1978.
    """
    at, words = cut(scores, threshold)
    rows = _groups(groups, scores, actual, scores >= at, smallest_group)
    large = [row for row in rows if not row["is_small"] and row["value"] != NOT_KNOWN]
    return {
        "column": column,
        "chosen": words,
        "threshold": at,
        "selection_rate_ratio": _ratio([row["selection_rate"] for row in large]),
        "true_positive_gap": _gap([row["true_positive_rate"] for row in large]),
        "groups": rows,
    }


def _groups(
    groups: Groups, scores: FloatArray, actual: FloatArray, chosen: BoolArray, smallest_group: int
) -> list[Entry]:
    decided = _frame(
        {"rows": count, "selection_rate": selection_rate, "true_positive_rate": _recall}, actual, chosen, groups
    )
    scored = _frame(
        {"base_rate": _base_rate, "mean_score": mean_prediction, "roc_auc": _auc, "calibration_error": _calibration},
        actual,
        scores,
        groups,
    )
    return [
        {"value": value, **decided[value], **scored[value]}
        | {"rows": int(decided[value]["rows"]), "is_small": bool(decided[value]["rows"] < smallest_group)}
        for value in decided
    ]


def _frame(
    metrics: dict[str, Any], actual: FloatArray, predicted: FloatArray | BoolArray, groups: Groups
) -> dict[str, dict[str, float]]:
    """Each metric of each group, by group and metric, the groups in the order of their names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between fairlearn and pandas; the figures are tested
        by_group = MetricFrame(
            metrics=metrics, y_true=actual, y_pred=predicted.astype(np.float64), sensitive_features=groups
        ).by_group
    return {str(group): {name: float(by_group[name][group]) for name in metrics} for group in sorted(by_group.index)}


def _base_rate(actual: FloatArray, _: FloatArray) -> float:
    return float(np.mean(actual))


def _recall(actual: FloatArray, chosen: FloatArray) -> float:
    return float(true_positive_rate(actual, chosen)) if np.any(actual) else np.nan


def _auc(actual: FloatArray, scores: FloatArray) -> float:
    return float(roc_auc_score(actual, scores)) if 0 < np.mean(actual) < 1 else np.nan


def _calibration(actual: FloatArray, scores: FloatArray) -> float:
    return calibration_error(calibration(np.asarray(scores), np.asarray(actual), lambda _: None))


def _ratio(rates: Sequence[float]) -> float | None:
    """Lowest to highest; 1 when nobody is chosen in any group."""
    if len(rates) < _LEAST_GROUPS:
        return None
    return min(rates) / max(rates) if max(rates) else 1.0


def _gap(rates: Sequence[float]) -> float | None:
    known = [rate for rate in rates if np.isfinite(rate)]
    return max(known) - min(known) if len(known) >= _LEAST_GROUPS else None
