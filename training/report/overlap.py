"""How much the audiences have in common."""

from training.report.drawings import Heat
from training.report.part import Part


def overlap(part: Part) -> Heat | None:
    """Each pair of audiences once, by the Jaccard index: those in both, of those in either; None for fewer than two."""
    audiences = part.parts("audiences")
    rows = part.rows("jaccard")
    titles = [a.text("name", a.text("key", "an audience")) for a in audiences]
    if len(titles) <= 1 or len(rows) != len(titles):
        return None
    halves = [row[:i] for i, row in enumerate(rows)]
    numbers = range(1, len(titles) + 1)
    return Heat([str(i) for i in numbers[:-1]], list(zip(numbers, titles, halves, strict=True)))
