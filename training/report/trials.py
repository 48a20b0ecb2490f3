"""What each number of segments, or each setting, gave: the curves by which one was chosen."""

from collections.abc import Sequence

from training.report.charts.curves import trials
from training.report.drawings import Drawing
from training.report.figures import title
from training.report.part import Part

_SETTINGS = ("k", "components", "count", "eps", "min_cluster_size", "min_samples")


def trials_of(part: Part) -> list[Drawing]:
    """One curve for each figure that at least two settings have."""
    tried = part.parts("tried")
    keys = dict.fromkeys(key for trial in tried for key in trial.fields())
    setting = next((key for key in _SETTINGS if key in keys), next(iter(keys), ""))
    drawings = []
    for key in keys:
        pairs = [(trial.number(setting), trial.number(key)) for trial in tried]
        points = [(at, height) for at, height in pairs if at is not None and height is not None]
        if key != setting and len({at for at, _ in points}) > 1:
            picture = trials(sorted(points), _chosen(part, tried, setting), _setting_title(setting), title(key))
            drawings.append(Drawing(title(key), picture, _READINGS.get(key, "")))
    return drawings


def _chosen(part: Part, tried: Sequence[Part], setting: str) -> float | None:
    marked = next((trial.number(setting) for trial in tried if trial.flag("chosen")), None)
    if marked is not None:
        return marked
    return part.number("count") if setting in {"k", "components", "count"} else part.number(setting)


def _setting_title(setting: str) -> str:
    return "number of segments" if setting in {"k", "components", "count"} else setting.replace("_", " ")


_READINGS = {
    "stability": "The least stable segment: from 0.75 on it is valid, below 0.6 it is not to be trusted.",
    "adjusted_rand": "1: samples of the visitors give the same groups; 0: no more alike than by chance.",
    "smallest_share": "A very small segment is seldom worth a campaign.",
    "silhouette": "Higher is farther apart; it favours few and coarse segments.",
    "inertia": "Always falls; after the bend, more segments explain little more.",
    "bic": "The lowest point balances fit and size.",
}
