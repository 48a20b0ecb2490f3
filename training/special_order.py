"""Outcomes of the kinds lookalike and uplift, as the configuration asks for them, and fitted."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from training.configuration.section import BadConfig, Section
from training.heads import BoolArray, FloatArray, Outcome, Question
from training.learners import Sample
from training.lookalike.fit import fit_lookalike
from training.lookalike.order import LookalikeOrder, read_audience, read_lookalike
from training.outcomes.examples import CannotLearn
from training.table import Table
from training.uplift.fit import UNIT, fit_uplift
from training.uplift.order import UpliftOrder, read_uplift

LOOKALIKE: Final = "lookalike"
UPLIFT: Final = "uplift"
_TREATED: Final = frozenset({"1", "1.0", "true", "yes"})
_UNTREATED: Final = frozenset({"0", "0.0", "false", "no"})


@dataclass(frozen=True, slots=True)
class SpecialOrder:
    """A lookalike or an uplift to fit.

    Attributes:
        name: of the head.
        title: of the head, for people.
        kind: lookalike or uplift.
        label: column that says who is in the audience, or to whom it happened; None where something else does.
        label_table: the table that says how records do, None where there is none.
        positive: what that column holds then, None for what is true or 1.
        horizon_days: how long is waited for what the treatment is to change, 0 for a lookalike.
        details: what its kind alone knows.
    """

    name: str
    title: str
    kind: str
    label: str | None
    label_table: Section | None = field(compare=False)
    positive: int | str | None
    horizon_days: int
    details: LookalikeOrder | UpliftOrder

    @property
    def question(self) -> Question:
        """What the head answers."""
        return Question(self.name, self.title, self.horizon_days, UNIT if self.kind == UPLIFT else "")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the records, besides features and label, that the table must have to fit it."""
        return (self.details.treatment,) if isinstance(self.details, UpliftOrder) else ()


def read_special(section: Section, name: str, title: str, kind: str) -> SpecialOrder:
    """The order of one table of [[outcomes]] whose kind is lookalike or uplift.

    Args:
        section: the table.
        name: of the head, as read from it.
        title: likewise.
        kind: likewise.

    Raises:
        BadConfig: a key is missing, wrong, or means nothing.
    """
    label, label_table = _read_label(section)
    positive = section.label("positive")
    has_label = label is not None or label_table is not None
    details: LookalikeOrder | UpliftOrder
    if kind == LOOKALIKE:
        details, horizon_days = read_lookalike(section, has_label=has_label), 0
    else:
        details, horizon_days = read_uplift(section), section.whole("horizon_days") or 0
        if not has_label:
            raise section.fault('label is needed: what the treatment is to change, such as label = "bought"')
        if not horizon_days:
            raise section.fault("horizon_days is needed: for how many days after the treatment its effect is counted")
    section.finish()
    return SpecialOrder(name, title, kind, label, label_table, positive, horizon_days, details)


def fit_special(order: SpecialOrder, table: Table, seed: int, folder: Path = Path()) -> Outcome:
    """The head that the order asks for.

    Args:
        order: what to fit.
        table: rows; for an uplift those of the campaign's visitors, with who was treated among its columns.
        seed: of everything that is drawn at random.
        folder: in which a file of the order is looked for.

    Raises:
        CannotLearn: the records do not answer the question.
    """
    if isinstance(order.details, UpliftOrder):
        return _fit_uplift(order, order.details, table, seed)
    details = order.details
    members = _members(order.name, details, table, folder)
    return fit_lookalike(
        order.question,
        _sample(table, members),
        methods=details.methods,
        labelled_share=details.labelled_share,
        seed=seed,
    )


def treated_rows(column: npt.NDArray[Any], name: str, treated: str) -> tuple[BoolArray, BoolArray]:
    """Which rows are of treated visitors, and of which that is known, shapes (n,).

    Args:
        column: shape (n,), of numbers, booleans, texts or None.
        name: of the column, for errors.
        treated: the word for who was, "" where the column holds 0 and 1, false and true, or no and yes.

    Raises:
        CannotLearn: it holds something else, or nobody who was treated or nobody who was not.
    """
    words = np.array(["" if _is_missing(value) else str(value).strip() for value in column.tolist()], dtype=np.str_)
    is_known = words != ""
    if treated:
        is_treated = words == treated
    else:
        small = np.char.lower(words)
        is_treated = np.isin(small, list(_TREATED))
        odd = is_known & ~is_treated & ~np.isin(small, list(_UNTREATED))
        if odd.any():
            raise CannotLearn(
                f"{name} holds {str(words[odd][0])!r}; needed are 0 and 1, false and true, "
                "or treated = the word for who was"
            )
    if not is_treated.any() or not (is_known & ~is_treated).any():
        side = "treated" if not is_treated.any() else "untreated"
        raise CannotLearn(f"nobody is {side} by the column {name}; an uplift needs visitors of both sides")
    return is_treated, is_known


def _fit_uplift(order: SpecialOrder, details: UpliftOrder, table: Table, seed: int) -> Outcome:
    if details.treatment not in table.columns:
        raise CannotLearn(f"the records have no column {details.treatment}, which is to say who was treated")
    treated, is_known = treated_rows(table.columns[details.treatment], details.treatment, details.treated)
    happened = table.outcomes[order.name]
    rows = np.flatnonzero(is_known & ~np.isnan(happened))
    fitted = fit_uplift(
        order.question,
        _sample(table, happened).at(rows),
        treated[rows],
        methods=details.methods,
        learner=details.learner,
        treated_share=details.treated_share,
        seed=seed,
    )
    return fitted.among(rows)


def _members(name: str, details: LookalikeOrder, table: Table, folder: Path) -> FloatArray:
    """1 for rows of listed visitors, shape (n,); of whom nothing is known is not listed."""
    if details.audience:
        return _listed(table, details.audience)
    if not details.audience_file:
        return np.nan_to_num(table.outcomes[name])
    path = folder / details.audience_file
    try:
        return _listed(table, read_audience(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise CannotLearn(f"the audience {path} cannot be read: {reason}") from None


def _listed(table: Table, audience: Collection[str]) -> FloatArray:
    return np.isin(table.visitors, list(audience)).astype(np.float64)


def _sample(table: Table, happened: FloatArray) -> Sample:
    if not np.isin(happened[~np.isnan(happened)], (0, 1)).all():
        raise CannotLearn("the label holds other numbers than 0 and 1; name what counts, as positive = the word for it")
    return Sample(specs=table.specs, features=table.features, happened=happened, visitors=table.visitors)


def _read_label(section: Section) -> tuple[str | None, Section | None]:
    if not section.has("label"):
        return None, None
    try:
        return None, section.table("label")
    except BadConfig:  # no table, so a text
        return section.text("label"), None


def _is_missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124  # NaN alone differs from itself
