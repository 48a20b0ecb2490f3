"""From a file to the table that heads are fitted to, with what was found and set aside on the way."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.configuration.section import BadConfig
from training.quality.checks import (
    Counts,
    Finding,
    amount_findings,
    class_findings,
    event_findings,
    feature_findings,
    rows_left,
)
from training.quality.order import QualityOrder
from training.quality.refusal import AbsentColumn
from training.quality.report import Quality
from training.quality.set_aside import Aside
from training.sources.attributes import AttributeOrder, join_attribute
from training.sources.features import Feature, FeatureOrder, make_feature
from training.sources.labels import AMOUNT, EVENT, Label, LabelOrder, make_label
from training.sources.order import RowsOrder
from training.sources.usable import Usable, find_usable
from training.table import Table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """The table, and how it came to be.

    Attributes:
        table: the rows that are used, in the order of the file, or of the query's columns.
        quality: what was found.
        asides: what is not used.
        classes: words of the classes of each outcome that has some, by its name.
    """

    table: Table
    quality: Quality
    asides: Sequence[Aside]
    classes: Mapping[str, tuple[str, ...]]


def read_table(  # noqa: PLR0913  # one argument for each part of the configuration
    order: RowsOrder,
    features: Sequence[FeatureOrder],
    labels: Sequence[LabelOrder],
    *,
    attributes: Sequence[AttributeOrder] = (),
    columns: Sequence[str] = (),
    folders: Sequence[Path] = (),
    limits: QualityOrder | None = None,
    memory: str = "",
) -> Reading:
    """The table of a configuration whose records are rows.

    Whether the records are refused is for `Reading.quality.refuse()` to say, so that the findings can be shown first.

    Args:
        order: the records.
        features: made of their columns.
        labels: of their columns.
        attributes: from other files, joined by visitor.
        columns: further columns to keep, beside those that the order names.
        folders: where relative paths are looked up, in this order.
        limits: of what may be wrong, None for the usual ones.
        memory: as DuckDB's memory_limit has it, "" for its own.

    Raises:
        BadConfig: a file or query cannot be read, or a column or an answer that is asked for is not there.
        BadData: nothing is left of a column, or no row is left.
    """
    limits = limits or QualityOrder()
    kept = tuple(dict.fromkeys([*order.columns, *columns]))
    learned = [feature.column for feature in features] + [label.column for label in labels] + list(kept)
    try:
        usable = find_usable(order, learned, folders, memory)
    except AbsentColumn as error:
        raise _asked_by(error, order, features, labels) from None
    parts = [_part(feature, usable, limits) for feature in features]
    answers = [make_label(label, usable.values) for label in labels]
    table = Table(
        specs=[part.feature.spec for part in parts],
        features=_matrix([part.feature.values for part in parts], len(usable.values), np.float32),
        is_missing=_matrix([part.feature.is_missing for part in parts], len(usable.values), np.bool_),
        visitors=usable.visitors,
        as_of_ms=usable.as_of_ms,
        outcomes={label.name: label.values for label in answers},
        columns={column: usable.values.texts(column) for column in kept},
    )
    findings = [
        *usable.findings,
        *rows_left(len(table), usable.row_count, limits),
        *(finding for part in parts for finding in part.findings),
        *(finding for label in answers for finding in _label_findings(label, limits)),
    ]
    unreadable = [aside for part in parts for aside in part.asides]
    unreadable += [label.column.unreadable for label in answers if label.column.unreadable is not None]
    reading = Reading(
        table=table,
        quality=Quality(usable.row_count, len(table), findings),
        asides=_filled([*usable.asides, *(aside.at(usable.positions) for aside in unreadable)]),
        classes={label.name: label.classes for label in answers if label.classes},
    )
    return attach_attributes(reading, attributes, folders, limits)


def attach_attributes(
    reading: Reading, attributes: Sequence[AttributeOrder], folders: Sequence[Path], limits: QualityOrder
) -> Reading:
    """The same rows with attributes as further features, whatever the rows were made of.

    Raises:
        BadConfig: a file cannot be read, or attributes expire and rows have no moment.
        BadData: a column is absent, or nothing is left of one.
    """
    for order in attributes:
        joined = join_attribute(order, reading.table.visitors, reading.table.as_of_ms, folders, limits)
        pairs = zip(order.features, joined.columns, strict=True)
        features = [make_feature(feature, column, order.purpose) for feature, column in pairs]
        findings = [finding for one in features for finding in feature_findings(one.spec.name, _counts(one, 0), limits)]
        reading = dataclasses.replace(
            reading,
            table=_beside(reading.table, features),
            quality=reading.quality.with_findings([*joined.findings, *findings]),
            asides=[*reading.asides, *_filled(joined.asides)],
        )
    return reading


def _asked_by(
    error: AbsentColumn, order: RowsOrder, features: Sequence[FeatureOrder], labels: Sequence[LabelOrder]
) -> BadConfig:
    """The same with the place that asks for the column, where it is one of these."""
    keys = {"entity": order.entity, "time": order.time, "id": order.identifier, "consent": order.consent}
    for key, column in keys.items():
        if column == error.column:
            return order.place.fault(f"{key} is {column!r}, but {error}")
    if error.column in order.columns:
        return order.place.fault(f"columns has {error.column!r}, but {error}")
    for feature in features:
        if feature.column == error.column:
            return order.place.fault(str(error)) if feature.place is None else feature.place.fault(str(error))
    for label in labels:
        if label.column == error.column:
            return label.place.fault(f"label is {label.column!r}, but {error}")
    return order.place.fault(str(error))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A feature of the records, what was found of it, and its values that are set aside, by rows that are used."""

    feature: Feature
    findings: Sequence[Finding]
    asides: Sequence[Aside]


def _part(order: FeatureOrder, usable: Usable, limits: QualityOrder) -> _Part:
    column = usable.values.read(order.column, order.kind or usable.values.kind(order.column))
    feature = make_feature(order, column)
    unreadable = [] if column.unreadable is None else [column.unreadable]
    counts = _counts(feature, sum(len(aside) for aside in unreadable))
    outside = usable.values.aside(order.column, feature.outside, "is outside the range or the words")
    return _Part(feature, feature_findings(order.name, counts, limits), [*unreadable, outside])


def _counts(feature: Feature, unreadable: int) -> Counts:
    known = feature.values[~feature.is_missing]
    return Counts(
        rows=len(feature.values),
        unreadable=unreadable,
        outside=int(feature.outside.sum()),
        missing=int(feature.is_missing.sum()),
        other=feature.other_count,
        is_constant=bool(known.min() == known.max()),
    )


def _label_findings(label: Label, limits: QualityOrder) -> list[Finding]:
    if label.form == EVENT:
        return event_findings(label.name, label.values, limits)
    if label.form == AMOUNT:
        return amount_findings(label.name, label.values, limits)
    return class_findings(label.name, label.values, label.classes, limits)


def _filled(asides: Sequence[Aside]) -> list[Aside]:
    return [aside for aside in asides if len(aside)]


def _matrix(columns: Sequence[npt.NDArray[Any]], rows: int, kind: type[np.generic]) -> npt.NDArray[Any]:
    """Columns side by side, shape (rows, columns), also when there are none."""
    matrix = np.empty((rows, len(columns)), dtype=kind)
    for position, column in enumerate(columns):
        matrix[:, position] = column
    return matrix


def _beside(table: Table, features: Sequence[Feature]) -> Table:
    return dataclasses.replace(
        table,
        specs=[*table.specs, *(feature.spec for feature in features)],
        features=np.column_stack([table.features, *(feature.values for feature in features)]),
        is_missing=np.column_stack([table.is_missing, *(feature.is_missing for feature in features)]),
    )
