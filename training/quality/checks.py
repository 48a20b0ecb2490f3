"""What may be wrong with records, decided from figures alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.quality.order import QualityOrder

NOTE, WARN, REFUSE = "note", "warn", "refuse"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at and found.

    Attributes:
        check: a word for what was looked at, such as "missing".
        column: the feature, outcome or column that it is about, "" for the rows.
        count: of rows or values.
        share: of them among all, in [0, 1].
        text: a sentence for people.
        severity: NOTE, WARN, or REFUSE when nothing can be learned from the records as they are.
    """

    check: str
    column: str
    count: int
    share: float
    text: str
    severity: str = NOTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of a feature's values were what.

    Attributes:
        rows: that are used.
        unreadable: of another kind.
        outside: beyond the range, or no word of the vocabulary.
        missing: for whatever reason, those two included.
        other: that became the word for others.
        is_constant: whether all that are known are the same.
    """

    rows: int
    unreadable: int
    outside: int
    missing: int
    other: int
    is_constant: bool


def set_aside_rows(check: str, column: str, reason: str, count: int, total: int) -> list[Finding]:
    """That rows are set aside; nothing when none are."""
    if not count:
        return []
    return [Finding(check, column, count, _share(count, total), f"{_are(count)} set aside: {reason}")]


def rows_left(kept: int, total: int, order: QualityOrder) -> list[Finding]:
    """Refuses when too few rows are left, or too many were set aside."""
    findings = []
    if kept < order.least_rows:
        text = f"{_are(kept)} left; needed are at least {order.least_rows:,} (least_rows)"
        findings.append(Finding("rows", "", kept, _share(kept, total), text, REFUSE))
    aside = total - kept
    if _share(aside, total) > order.most_set_aside:
        text = f"{_of(aside, total)} rows are set aside; at most {order.most_set_aside:.0%} may be (most_set_aside)"
        findings.append(Finding("set_aside", "", aside, _share(aside, total), text, REFUSE))
    return findings


def same_rows(count: int, total: int, *, are_dropped: bool) -> list[Finding]:
    """That rows are the same as others in every column that is used."""
    if not count:
        return []
    done = "set aside" if are_dropped else 'kept; duplicates = "drop" sets them aside'
    text = f"{_are(count)} the same as an earlier one in every column that is used: {done}"
    return [Finding("duplicates", "", count, _share(count, total), text, NOTE if are_dropped else WARN)]


def unreadable_findings(name: str, count: int, total: int, order: QualityOrder) -> list[Finding]:
    """That values of a column are of another kind; nothing when none are."""
    return _values("unreadable", name, count, total, order)


def feature_findings(name: str, counts: Counts, order: QualityOrder) -> list[Finding]:
    """What is wrong with a feature's values."""
    found = unreadable_findings(name, counts.unreadable, counts.rows, order)
    found += _values("outside", name, counts.outside, counts.rows, order)
    if counts.missing:
        share = _share(counts.missing, counts.rows)
        severity = WARN if share > order.most_missing else NOTE
        text = f"{name}: {_of(counts.missing, counts.rows)} values are missing; the typical one stands there"
        found.append(Finding("missing", name, counts.missing, share, text, severity))
    if counts.other:
        text = f"{name}: {_of(counts.other, counts.rows)} words are rare or new, and became the word for others"
        found.append(Finding("other", name, counts.other, _share(counts.other, counts.rows), text))
    if counts.is_constant:
        text = f"{name} is the same in every row that has it: nothing can be learned from it; leave it out"
        found.append(Finding("constant", name, counts.rows, 1.0, text, WARN))
    return found


def event_findings(name: str, values: Floats, order: QualityOrder) -> list[Finding]:
    """What is wrong with the answers to whether something happened.

    Args:
        name: of the outcome.
        values: shape (n,), 0, 1 or NaN.
        order: has the limits.
    """
    found = _unknown(name, values)
    positives, negatives = int((values == 1).sum()), int((values == 0).sum())
    for what, count in (("that it happened", positives), ("that it did not", negatives)):
        if count < order.least_positives:
            text = (
                f"outcome {name!r}: {count:,} rows say {what}; needed are at least {order.least_positives:,} "
                "(least_positives)"
            )
            found.append(Finding("label", name, count, _share(count, len(values)), text, REFUSE))
    return found


def amount_findings(name: str, values: Floats, order: QualityOrder) -> list[Finding]:
    """What is wrong with amounts, shape (n,), NaN where one is not known."""
    known = values[~np.isnan(values)]
    found = _unknown(name, values)
    if len(known) < order.least_rows:
        text = f"outcome {name!r}: {len(known):,} rows have an amount; needed are at least {order.least_rows:,}"
        found.append(Finding("label", name, len(known), _share(len(known), len(values)), text, REFUSE))
    elif known.min() == known.max():
        text = f"outcome {name!r} is {known[0]:g} in every row; needed are amounts that differ"
        found.append(Finding("label", name, len(known), _share(len(known), len(values)), text, REFUSE))
    return found


def class_findings(name: str, values: Floats, classes: tuple[str, ...], order: QualityOrder) -> list[Finding]:
    """What is wrong with positions among classes, shape (n,), NaN where none is known."""
    found = _unknown(name, values)
    if len(classes) <= 1:
        text = f"outcome {name!r} has the classes {list(classes)}; needed are at least two"
        found.append(Finding("label", name, len(values), 1.0, text, REFUSE))
    counts = np.bincount(values[~np.isnan(values)].astype(np.int64), minlength=len(classes)).tolist()
    for word, count in zip(classes, counts, strict=True):
        if count < order.least_positives:
            text = (
                f"outcome {name!r}: {_are(count)} of the class {word!r}; needed are at least "
                f"{order.least_positives:,} (least_positives)"
            )
            found.append(Finding("label", name, count, _share(count, len(values)), text, REFUSE))
    return found


def _unknown(name: str, values: Floats) -> list[Finding]:
    count = int(np.isnan(values).sum())
    if not count:
        return []
    text = f"outcome {name!r}: not known of {_of(count, len(values))} rows, which it is not learned from"
    return [Finding("label_missing", name, count, _share(count, len(values)), text)]


def _values(check: str, name: str, count: int, total: int, order: QualityOrder) -> list[Finding]:
    """That values are unreadable or outside; nothing when none are."""
    if not count:
        return []
    what, most = {
        "unreadable": ("of another kind", order.most_unreadable),
        "outside": ("outside its range or words", order.most_outside),
    }[check]
    share = _share(count, total)
    text = f"{name}: {_of(count, total)} values are {what}, and missing now"
    if share > most:
        return [Finding(check, name, count, share, f"{text}; at most {most:.0%} may be (most_{check})", REFUSE)]
    return [Finding(check, name, count, share, text)]


def _are(count: int) -> str:
    return "1 row is" if count == 1 else f"{count:,} rows are"


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({_share(count, total):.1%})"


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0
