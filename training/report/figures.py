"""Names, forms and number words of the figures by which heads are judged."""

from collections.abc import Callable
from dataclasses import dataclass

from training.report.forms import count, measure, number, percent, sentence, short_percent, signed, times, words
from training.report.part import Part

_Form = Callable[[float | None], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a figure is.

    Attributes:
        name: how people call it.
        form: how it is written.
        explained: in a few number words, what it says and which end is good.
    """

    name: str
    form: _Form
    explained: str = ""


AMOUNT = "amount"  # of a figure that has the outcome's own unit
_KINDS = {
    "base_rate": Kind("Base rate", percent, "share with the outcome among those tested"),
    "mean": Kind(AMOUNT, number, "mean of what happened"),
    "mean_score": Kind("Mean of the scores", number, "mean of what was foretold"),
    "roc_auc": Kind("ROC AUC", number, "orders a pair rightly this often; 0.5 is a coin, 1 is perfect"),
    "average_precision": Kind(
        "Average precision", number, "mean precision over all cut-offs; chance reaches the base rate"
    ),
    "brier": Kind("Brier score", number, "mean squared error of the probability; lower is better"),
    "brier_skill": Kind("Brier skill", percent, "error saved against always saying the base rate"),
    "log_loss": Kind("Log loss", number, "penalty for being surely wrong; lower is better"),
    "log_loss_skill": Kind("Log loss skill", percent, "penalty saved against always saying the base rate"),
    "calibration_error": Kind("Calibration error", number, "mean gap between foretold and happened; lower is better"),
    "calibration_in_the_large": Kind("Mean foretold minus happened", signed, "0 is right on the whole"),
    "total_ratio": Kind("Total foretold / happened", number, "1 is right on the whole"),
    "lift_top_decile": Kind("Lift in the top tenth", times, "how many times the mean the best-scored tenth reaches"),
    "gain_top_decile": Kind("Reached in the top tenth", percent, "share of the whole outcome in the best-scored tenth"),
    "capture_top_decile": Kind(
        "Captured in the top tenth", percent, "share of the highest tenth that is scored highest"
    ),
    "mean_absolute_error": Kind("Mean absolute error", number, "mean distance from what happened; lower is better"),
    "root_mean_squared_error": Kind("Root mean squared error", number, "as above, large misses count more"),
    "poisson_deviance": Kind("Poisson deviance", number, "error that weighs with the amount; lower is better"),
    "gamma_deviance": Kind("Gamma deviance", number, "error relative to the amount; lower is better"),
    "spearman": Kind("Rank correlation (Spearman)", number, "whether high is ranked high; 1 is perfect, 0 is chance"),
    "gini": Kind("Gini", number, "how unequal the amounts are, ordered by score"),
    "normalized_gini": Kind("Normalized Gini", number, "the same, as a share of what a perfect order reaches"),
    "accuracy": Kind("Accuracy", percent, "share of visitors whose most likely class is right"),
    "balanced_accuracy": Kind("Balanced accuracy", percent, "the mean over classes of the share that is right"),
    "largest_share": Kind("Share of the largest class", percent, "accuracy of always naming it"),
    "log_loss_of_shares": Kind("Log loss of the shares", number, "penalty of always saying how many have each class"),
    "top3": Kind("Right among the first three", percent, "share whose true class is among the three likeliest"),
    "qini": Kind("Qini coefficient", number, "area above a random choice; 0 is chance, higher is better"),
    "auuc": Kind("Area under the uplift curve", number, "higher is better"),
    "mean_effect": Kind("Mean effect", signed, "difference that the treatment makes on average"),
    "treated_share": Kind("Share treated", percent),
    "silhouette": Kind("Silhouette", number, "1: far apart; 0: touching; below 0: mixed up"),
    "davies_bouldin": Kind("Davies-Bouldin", number, "overlap of neighbours; lower is better"),
    "calinski_harabasz": Kind(
        "Calinski-Harabasz", number, "spread between against within; only comparable on one data set"
    ),
    "adjusted_rand": Kind(
        "Adjusted Rand index", number, "whether samples give the same groups; 1: the same, 0: chance"
    ),
    "stability": Kind(
        "Stability of the least stable", number, "mean Jaccard index over samples; 0.75 and more is valid"
    ),
    "smallest_share": Kind("Share of the smallest", percent),
    "outlier_share": Kind("In no segment", percent),
    "fidelity": Kind("Fidelity of the served rule", percent, "served segment equal to the fitted one"),
    "inertia": Kind("Inertia (elbow)", number, "squared distance to the centres; look for the bend"),
    "bic": Kind("BIC", number, "fit against size; lower is better"),
    "selection_rate": Kind("Chosen", percent),
    "selection_rate_ratio": Kind("Lowest / highest chosen", number),
    "true_positive_rate": Kind("Found, of those with the outcome", percent),
    "true_positive_gap": Kind("Largest gap of the found", percent),
    "precision": Kind("Right, of those chosen", percent),
    "visitor_count": Kind("Visitors", count),
    "row_count": Kind("Rows", count),
    "count": Kind("Visitors", count),
    "share": Kind("Share", percent),
    "words": Kind("Steps", number),
    "path": Kind("Steps", number),
    "support": Kind("Share of visitors", percent),
    "outcome_count": Kind("With the outcome", count),
    "rate": Kind("Rate", percent),
    "rate_low": Kind("Rate, from", percent),
    "rate_high": Kind("Rate, to", percent),
    "lift": Kind("Times the mean", times),
    "lift_low": Kind("Times, from", times),
    "lift_high": Kind("Times, to", times),
    "p_value": Kind("p-value", number, "how often chance alone would give as much"),
    "q_value": Kind("q-value", number, "share of false findings among those at least as sure"),
}
_IN_UNIT = {"mean", "mean_score", "mean_absolute_error", "root_mean_squared_error", "calibration_error"}
_GATES = {
    "auc": "roc_auc",
    "fairness_ratio": "selection_rate_ratio",
    "gini": "normalized_gini",
    "lift": "lift_top_decile",
    "parity_difference": "parity",
    "share": "smallest_share",
}


_METHODS = {
    "kmeans": "k-means",
    "minibatch_kmeans": "k-means in small batches",
    "gaussian_mixture": "a Gaussian mixture",
    "hierarchical": "hierarchical clustering",
    "dbscan": "DBSCAN",
    "hdbscan": "HDBSCAN",
    "rfm": "recency, frequency and money",
    "lifecycle": "stages of the lifecycle",
    "rules": "rules that people wrote",
}


def method(name: str) -> str:
    """A method as people call it."""
    return _METHODS.get(name, name.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of an outcome, beside those that it is compared with.

    Attributes:
        name: how people call it.
        explained: in number words.
        value: as text.
        interval: as text, "" where there is none.
        others: of the baseline and of refits, as texts.
    """

    name: str
    explained: str
    value: str
    interval: str
    others: tuple[str, ...]


def kind(name: str) -> Kind:
    """What is known of a figure; its name as words where nothing is."""
    return _KINDS.get(name, Kind(words(name), number))


def title(name: str) -> str:
    """How people call it."""
    known = kind(name)
    return "Mean" if known.name == AMOUNT else known.name


def write(name: str, value: float | None, unit: str = "") -> str:
    """A figure as text, in the outcome's unit where it has it."""
    return measure(value, unit) if unit and name in _IN_UNIT else kind(name).form(value)


def gate_figure(gate: str) -> str:
    """The figure that a gate looks at: minimum_auc looks at roc_auc."""
    figure = gate.removeprefix("minimum_").removeprefix("maximum_")
    return _GATES.get(figure, figure)


def gate_title(gate: str) -> str:
    """A gate as a phrase: minimum_auc becomes "ROC AUC, at least"."""
    for prefix, phrase in (("minimum_", "at least"), ("maximum_", "at most")):
        if gate.startswith(prefix):
            figure = gate_figure(gate)
            return f"{'Fairness ratio' if figure == 'selection_rate_ratio' else title(figure)}, {phrase}"
    return words(gate)


def lines(figures: Part, others: list[Part], intervals: Part, unit: str) -> list[Line]:
    """Every number among an outcome's figures, those that people look at first in front."""
    known = [name for name in _KINDS if figures.number(name) is not None]
    rest = [name for name in figures.fields() if name not in _KINDS and figures.number(name) is not None]
    return [
        Line(
            name=title(name),
            explained=kind(name).explained,
            value=write(name, figures.number(name), unit),
            interval=_interval(name, intervals, unit),
            others=tuple(write(name, other.number(name), unit) for other in others),
        )
        for name in (*known, *rest)
    ]


def _interval(name: str, intervals: Part, unit: str) -> str:
    ends = Part({"ends": [intervals.value(name)]}).points("ends")
    return "" if not ends else " to ".join(write(name, end, unit) for end in ends[0])


FORMS: dict[str, Callable[..., str]] = {
    "count": count,
    "number": number,
    "percent": percent,
    "short_percent": short_percent,
    "times": times,
    "signed": signed,
    "sentence": sentence,
    "measure": measure,
    "words": words,
}
