"""The charts of an outcome."""

from collections.abc import Iterator, Sequence

from training.report.charts import curves
from training.report.charts.deciles import Bin, Tenth, calibration, lift
from training.report.drawings import Drawing
from training.report.forms import number, percent
from training.report.part import Part


def drawings_of(part: Part, unit: str) -> Iterator[Drawing]:
    """Those that its figures allow, the order of the scores first, their size next.

    Args:
        part: of evaluation.json.
        unit: of an amount, "" for probabilities.
    """
    yield from _ranking(part)
    yield from _amounts(part, unit)
    if points := part.points("qini", 3):
        area = number(part.part("figures").number("qini"))
        picture = curves.qini(points, f"Qini curve; coefficient {area}")
        yield Drawing(
            "Uplift by share treated (Qini)",
            picture,
            "The farther above the line of a random choice, the better it finds those whom the treatment moves.",
        )


def _ranking(part: Part) -> Iterator[Drawing]:
    figures = part.part("figures")
    if points := part.points("roc"):
        picture = curves.roc(points, f"ROC curve; area under it {number(figures.number('roc_auc'))}")
        yield Drawing("ROC curve", picture, "The closer to the upper left corner, the better it tells the two apart.")
    if points := part.points("precision_recall"):
        base = figures.number("base_rate")
        label = f"Precision-recall curve; average precision {number(figures.number('average_precision'))}"
        picture = curves.precision_recall(points, base, f"{label}, base rate {percent(base)}")
        yield Drawing("Precision and recall", picture, "Choosing more visitors finds more, and is right less often.")


def _amounts(part: Part, unit: str) -> Iterator[Drawing]:
    bins = [
        Bin(predicted, observed, b.number("low"), b.number("high"))
        for b in part.parts("calibration")
        if (predicted := b.number("predicted")) is not None and (observed := b.number("observed")) is not None
    ]
    if bins:
        said = "; ".join(f"{number(b.predicted)} foretold, {number(b.observed)} happened" for b in bins)
        picture = calibration(bins, unit, f"Calibration: {said}")
        yield Drawing("Calibration", picture, "On the line, what is foretold is what happens; below it, too much is.")
    figures = part.part("figures")
    mean = figures.number("base_rate")
    mean = figures.number("mean") if mean is None else mean
    tenths = [_tenth(place, t) for place, t in enumerate(part.parts("deciles"), 1)]
    known = [t for t in tenths if t is not None]
    if known:
        said = "; ".join(f"{number(t.place)}: {number(t.observed)}" for t in known)
        picture = lift(known, mean, unit, f"What happened by tenth of the score: {said}")
        yield Drawing(
            "Lift by tenth",
            picture,
            "Bars fall from left to right when the order is right; above them, how many times the mean.",
        )
    if points := _gains(part.parts("deciles")):
        reached = "; ".join(f"{percent(x)} of visitors: {percent(y)}" for x, y in points)
        picture = curves.gains(points, f"Cumulative gains: {reached}")
        yield Drawing("Gains", picture, "How much of the whole outcome is reached by addressing the best-scored share.")


def _tenth(place: int, part: Part) -> Tenth | None:
    rate = part.number("rate")
    observed = rate if rate is not None else part.number("mean")
    at = part.number("decile")
    return None if observed is None else Tenth(place if at is None else at, observed, part.number("lift"))


def _gains(deciles: Sequence[Part]) -> list[tuple[float, float]]:
    """Points (share of the visitors, share of the outcome); groups are equal where their sizes are not known."""
    sizes = [d.number("size") for d in deciles]
    weights = [1.0 if size is None or None in sizes else size for size in sizes]
    total, reached, points = sum(weights), 0.0, []
    for decile, weight in zip(deciles, weights, strict=True):
        reached += weight
        gain = decile.number("gain")
        if gain is not None and total > 0:
            points.append((reached / total, gain))
    return points
