"""How good probabilities of an event are."""

import numpy as np

from training.heads import FloatArray
from training.judging.bins import calibration, calibration_error, deciles, rate_interval
from training.judging.document import Entry, Figures
from training.judging.intervals import Visitors, bootstrap
from training.judging.ranking import Ranking

_SMALLEST = 1e-15  # the logarithm of a certainty that was wrong is infinite


def judge_events(predicted: FloatArray, actual: FloatArray, visitors: Visitors, bootstraps: int, seed: int) -> Entry:
    """Figures with their intervals, curves, calibration and deciles.

    Args:
        predicted: shape (n,), probabilities.
        actual: shape (n,), 0 or 1, at least one of each.
        visitors: shape (n,).
        bootstraps: number of samples for the intervals.
        seed: of those samples.
    """
    ranking = Ranking.of(actual, predicted)
    errors = (predicted - actual) ** 2

    def statistics(weights: FloatArray) -> dict[str, float]:
        return ranking.areas(weights) | {"brier": float(errors @ weights / weights.sum())}

    return {
        "figures": event_figures(predicted, actual),
        "intervals": bootstrap(statistics, visitors, bootstraps, seed),
        "roc": ranking.roc(),
        "precision_recall": ranking.precision_recall(),
        "calibration": calibration(predicted, actual, rate_interval(actual, visitors)),
        "deciles": deciles(predicted, actual, "rate"),
    }


def event_figures(predicted: FloatArray, actual: FloatArray) -> Figures:
    """Every figure of probabilities, shapes (n,).

    A skill is the share of the error that is gone, compared with always saying the base rate: 0 is no better, 1 is
    perfect (Brier 1950, Murphy 1973). calibration_in_the_large is the mean probability less the base rate.
    """
    base_rate = float(actual.mean())
    brier = float(((predicted - actual) ** 2).mean())
    loss = _log_loss(predicted, actual)
    naive_loss = _log_loss(np.full(len(actual), base_rate), actual)
    bins = calibration(predicted, actual, lambda _: None)
    best = deciles(predicted, actual, "rate")[0]
    return {
        "base_rate": base_rate,
        "mean_score": float(predicted.mean()),
        **Ranking.of(actual, predicted).areas(np.ones(len(actual))),
        "brier": brier,
        "brier_skill": _skill(brier, base_rate * (1 - base_rate)),
        "log_loss": loss,
        "log_loss_skill": _skill(loss, naive_loss),
        "calibration_error": calibration_error(bins),
        "calibration_in_the_large": float(predicted.mean() - base_rate),
        "total_ratio": float(predicted.sum() / actual.sum()) if base_rate else np.nan,
        "lift_top_decile": best["lift"] if base_rate else np.nan,
        "gain_top_decile": best["gain"] if base_rate else np.nan,
    }


def _log_loss(predicted: FloatArray, actual: FloatArray) -> float:
    sure = np.clip(predicted, _SMALLEST, 1 - _SMALLEST)
    return float(-(actual * np.log(sure) + (1 - actual) * np.log1p(-sure)).mean())


def _skill(error: float, naive: float) -> float:
    return 1 - error / naive if naive > 0 else np.nan
