"""From when on records are refused, as the configuration says it."""

from dataclasses import dataclass

from training.configuration.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOrder:
    """Limits beyond which nothing is trained.

    Attributes:
        least_rows: rows that must be left.
        least_positives: rows of each answer that an outcome must have.
        most_set_aside: share of the rows that may be set aside.
        most_unreadable: share of a column's values that may be of the wrong kind.
        most_outside: share of a column's values that may be outside its range.
        most_missing: share of a column's values that may be missing before it is warned of.
    """

    least_rows: int = 100
    least_positives: int = 20
    most_set_aside: float = 0.5
    most_unreadable: float = 0.05
    most_outside: float = 0.05
    most_missing: float = 0.95


def read_quality(section: Section | None) -> QualityOrder:
    """The table [quality]; the limits' defaults (assumed) where it or a key is absent.

    Raises:
        BadConfig: something in it is wrong or unknown.
    """
    if section is None:
        return QualityOrder()
    usual = QualityOrder()
    rows, positives = section.whole("least_rows"), section.whole("least_positives")
    order = QualityOrder(
        least_rows=usual.least_rows if rows is None else rows,
        least_positives=usual.least_positives if positives is None else positives,
        most_set_aside=_share(section, "most_set_aside", usual.most_set_aside),
        most_unreadable=_share(section, "most_unreadable", usual.most_unreadable),
        most_outside=_share(section, "most_outside", usual.most_outside),
        most_missing=_share(section, "most_missing", usual.most_missing),
    )
    section.finish()
    return order


def _share(section: Section, key: str, usual: float) -> float:
    value = section.number(key)
    if value is None:
        return usual
    if not 0 <= value <= 1:
        raise section.fault(f"{key} is {value:g}; needed is a share from 0 to 1, such as {key} = {usual:g}")
    return value
