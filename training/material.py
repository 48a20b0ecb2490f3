"""What heads are fitted to, from whatever shape the records have."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from training.configuration.section import BadConfig
from training.customer_value.baseline import expected_for, fit_customer_value
from training.customer_value.purchases import NoBaseline
from training.events.files import open_events
from training.events.label import EventLabel
from training.events.log import EventLog
from training.events.order import EventsOrder
from training.features import Features, typical
from training.heads import FloatArray
from training.journeys.order import CannotMine, JourneyOrder, mine, to_evaluation
from training.judging.dates import newest
from training.lookalike.order import LookalikeOrder
from training.orders import Orders
from training.outcomes.examples import later
from training.outcomes.order import BG_NBD, OutcomeOrder
from training.quality.checks import WARN, Counts, Finding, feature_findings, set_aside_rows
from training.quality.order import QualityOrder
from training.quality.report import Quality
from training.quality.set_aside import Aside
from training.sources.order import SourceOrder
from training.sources.table import Reading, attach_attributes, read_table
from training.special_order import SpecialOrder
from training.table import Table
from training.texts.columns import features_of, learn
from training.texts.fit import TextHead


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Rows, and what is known of how they came to be.

    Attributes:
        table: every row, at every date.
        quality: what was found in the records.
        asides: what of them is not used.
        classes: words of the classes of each outcome that has some, by its name.
        data: what the records are, with their publisher.
        until_ms: the records end before it, 0 where that is not known.
        stated: by feature, what a missing value becomes where the configuration states it.
        journeys: what visitors did before an outcome, as in evaluation.json.
        baselines: by the outcome, what purchases alone let one expect of each row, NaN before the rows of its test.
    """

    table: Table
    quality: Quality
    asides: Sequence[Aside]
    classes: Mapping[str, tuple[str, ...]]
    data: str
    until_ms: int
    stated: Mapping[str, float]
    journeys: Sequence[Mapping[str, object]] = ()
    baselines: Mapping[str, FloatArray] = field(default_factory=dict)

    def without(self, names: Collection[str]) -> "Material":
        """The same without some features.

        Raises:
            BadConfig: there is no feature of one of the names.
        """
        known = [spec.name for spec in self.table.specs]
        unknown = sorted(set(names).difference(known))
        if unknown:
            raise BadConfig(f"there is no feature {unknown[0]!r} to leave out; there are {', '.join(known)}")
        return replace(self, table=self.table.without(names)) if names else self

    def with_texts(self, heads: Sequence[TextHead], *, to_learn: bool) -> "Material":
        """With the features that text heads make of columns of the records; see features_of."""
        table = self.table
        for head in heads:
            if head.order.column:
                said, is_missing = features_of(head, table.columns[head.order.column], to_learn=to_learn)
                table = table.beside(head.specs, said, is_missing)
        return replace(self, table=table)

    @property
    def defaults(self) -> Features:
        """What a missing value becomes, shape (width,): what is stated, else what is typical."""
        newest = self.newest
        usual = typical(newest.features, newest.specs).tolist()
        pairs = zip(newest.specs, usual, strict=True)
        return np.array([self.stated.get(spec.name, value) for spec, value in pairs], dtype=np.float32)

    @property
    def newest(self) -> Table:
        """The rows of the newest date: each visitor once, where rows have dates."""
        return newest(self.table)


def read_material(orders: Orders, data: Path | None, until_ms: int | None) -> Material:
    """Reads the records, and makes rows of them.

    Args:
        orders: what to read.
        data: where relative paths of data are looked up, None for beside the configuration.
        until_ms: use only what is before this moment; None for all.

    Raises:
        BadConfig: a file or query cannot be read.
        BadData: the records cannot be used.
        BadLog: the events lack something that is needed.
    """
    configuration = orders.configuration
    if orders.events is not None:
        return _of_events(orders, orders.events, data, until_ms)
    if configuration.rows is None:
        raise BadConfig(f"{configuration.file}: [data] is needed")
    if until_ms is not None:
        raise BadConfig("--until is for records that are events; rows are as they are")
    reading = read_table(
        configuration.rows,
        configuration.features,
        configuration.labels,
        attributes=configuration.attributes,
        columns=_columns(orders),
        folders=configuration.folders(data),
        limits=configuration.quality,
    )
    as_of_ms = reading.table.as_of_ms
    return _material(reading, configuration.rows.title, 0 if as_of_ms is None else int(as_of_ms.max()) + 1)


def read_newest(orders: Orders, data: Path | None, until_ms: int | None) -> Table:
    """The rows of the newest date alone; see read_material."""
    if orders.events is None:
        folders, seed = orders.configuration.folders(data), orders.configuration.model.seed
        material = read_material(orders, data, until_ms)
        texts = [learn(one, material.table.columns, folders, seed) for one in orders.texts]
        return material.with_texts(texts, to_learn=False).newest
    log, _ = _log(orders, orders.events, data, until_ms)
    return log.snapshots([log.until_us // 1000])


def _of_events(orders: Orders, order: EventsOrder, data: Path | None, until_ms: int | None) -> Material:
    configuration = orders.configuration
    if columns := _columns(orders):
        raise BadConfig(
            f"{configuration.file}: {columns[0]} is asked for as a column that is no feature, which records that are "
            "events do not have; leave it out, or make rows of the events"
        )
    log, folder = _log(orders, order, data, until_ms)
    table = log.snapshots(log.dates())
    reading = Reading(table=table, quality=_quality(log, table, configuration.quality), asides=(), classes={})
    reading = attach_attributes(reading, configuration.attributes, (folder,), configuration.quality)
    names = [feature.spec.name for feature in order.features]
    stated = dict(zip(names, log.defaults.tolist(), strict=True))
    made = _material(reading, order.log.title, log.until_us // 1000, stated)
    made = replace(made, journeys=[_journeys(log, one, table) for one in orders.journeys])
    for one in orders.outcomes:
        if isinstance(one, OutcomeOrder) and one.baseline == BG_NBD:
            made = _with_baseline(made, one, log, orders.event_labels[one.name])
    return made


def _with_baseline(made: Material, order: OutcomeOrder, log: EventLog, label: EventLabel) -> Material:
    """With what purchases alone let one expect; where they do not, with a finding that says so."""
    try:
        expected = _bought(log, label, made.table, order)
    except NoBaseline as error:
        text = f"outcome {order.name!r} is compared with the mean, since {error}"
        found = Finding("baseline", order.name, 0, 0.0, text, WARN)
        return replace(made, quality=made.quality.with_findings([found]))
    return replace(made, baselines={**made.baselines, order.name: expected})


def _bought(log: EventLog, label: EventLabel, table: Table, order: OutcomeOrder) -> FloatArray:
    """What BG/NBD and Gamma-Gamma expect, fitted to what was bought before the first row of the outcome's test."""
    expected = np.full(len(table), np.nan)
    known = np.flatnonzero(~np.isnan(table.outcomes[order.name]))
    if table.as_of_ms is None or not len(known):
        return expected
    as_of_ms = table.as_of_ms[known]
    times = later(as_of_ms, order.horizon_days)
    if times is None:
        return expected
    tested, purchases = known[times[1]], log.purchases(label)
    model = fit_customer_value(purchases, int(table.as_of_ms[tested].min()))
    expected[tested] = expected_for(model, purchases, table.visitors[tested], table.as_of_ms[tested], label.within_days)
    return expected


def _journeys(log: EventLog, order: JourneyOrder, table: Table) -> Mapping[str, object]:
    """What was done before the newest date whose outcome is known."""
    if table.as_of_ms is None:
        raise CannotMine("journeys are made of events")
    known = ~np.isnan(table.outcomes[order.outcome])
    if not known.any():
        raise CannotMine(f"journeys {order.name!r}: of no visitor it is known what came of {order.outcome!r}")
    as_of_ms = int(table.as_of_ms[known].max())
    rows = table.where(table.as_of_ms == as_of_ms)
    sequences = log.sequences(rows.visitors.tolist(), as_of_ms, order.word, order.window_days)
    return to_evaluation(mine(order, sequences, rows.outcomes[order.outcome]))


def _quality(log: EventLog, table: Table, limits: QualityOrder) -> Quality:
    """What was found in the events, and in the rows that were made of them."""
    aside = "they have no visitor or time, are not before the end of the records, or come twice by their id"
    findings = set_aside_rows("events", "", aside, log.read_count - log.kept_count, log.read_count)
    for position, spec in enumerate(table.specs):
        values, is_missing = table.features[:, position], table.is_missing[:, position]
        known = values[~is_missing]
        counts = Counts(
            rows=len(table),
            unreadable=0,
            outside=0,
            missing=int(is_missing.sum()),
            other=0,
            is_constant=len(known) > 0 and bool((known == known[0]).all()),
        )
        findings += feature_findings(spec.name, counts, limits)
    return Quality(log.read_count, log.kept_count, findings)


def _log(orders: Orders, order: EventsOrder, data: Path | None, until_ms: int | None) -> tuple[EventLog, Path]:
    if until_ms is not None:
        order = replace(order, log=replace(order.log, until_ms=until_ms))
    (folder,) = orders.configuration.folders(data)
    words = [journey.word for journey in orders.journeys]
    return EventLog(open_events(order.log, folder), order, orders.event_labels, words), folder


def _material(
    reading: Reading, data: str, until_ms: int, stated: Mapping[str, float] = MappingProxyType({})
) -> Material:
    return Material(
        table=reading.table,
        quality=reading.quality,
        asides=reading.asides,
        classes=reading.classes,
        data=data,
        until_ms=until_ms,
        stated=dict(stated),
    )


def _columns(orders: Orders) -> list[str]:
    """Columns that are looked at, and are no features."""
    judging = orders.judging
    special = [column for one in orders.outcomes if isinstance(one, SpecialOrder) for column in one.columns]
    mitigated = [] if judging.mitigation is None else [judging.mitigation.column]
    texts = [name for one in orders.texts for name in (one.column, "" if one.sources else one.label) if name]
    return [*judging.fairness, *mitigated, *judging.known_at.values(), *special, *texts]


def fingerprint(orders: Orders, data: Path | None) -> bytes:
    """What changes whenever the records may have: the configuration, and size and time of each file that it names."""
    configuration = orders.configuration
    parts = [configuration.file.read_bytes()]
    for folder in configuration.folders(data):
        for name in _files(orders):
            path = folder / name
            status = path.stat() if path.is_file() else None
            parts.append(f"{path} {status and (status.st_size, status.st_mtime_ns)}".encode())
    return b"\n".join(parts)


def _paths(sources: Mapping[str, SourceOrder]) -> list[str]:
    return [source.path for source in sources.values()]


def _files(orders: Orders) -> list[str]:
    """Paths of records as the configuration has them; those within packages stay as they are."""
    configuration = orders.configuration
    names = [] if configuration.rows is None else _paths(configuration.rows.sources)
    names += [] if orders.events is None else list(orders.events.log.files.values())
    for sources in [*(one.sources for one in configuration.attributes), *(one.sources for one in orders.texts)]:
        names += _paths(sources)
    details = [one.details for one in orders.outcomes if isinstance(one, SpecialOrder)]
    return names + [one.audience_file for one in details if isinstance(one, LookalikeOrder) and one.audience_file]
