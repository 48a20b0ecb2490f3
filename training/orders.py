"""Everything that a configuration orders, read before any work is begun: mistakes are said now, not in an hour."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.configuration.configuration import Configuration
from training.configuration.section import Section
from training.events.label import SUM, EventLabel, read_event_label
from training.events.order import EventsOrder, read_events
from training.journeys.order import JourneyOrder, read_journey
from training.judging.gates import Gates, NoSuchHead, check_heads
from training.judging.order import ApprovalOrder, JudgingOrder, read_approval, read_gates, read_judging
from training.outcomes.order import BG_NBD, PROPENSITY, OutcomeOrder, read_outcome
from training.segmentations.order import SegmentationOrder, read_segmentation
from training.special_order import SpecialOrder, read_special
from training.texts.order import TextOrder, read_text

AnyOutcome = OutcomeOrder | SpecialOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What is to be done, part by part.

    Attributes:
        configuration: where it stands.
        events: of a log of events; None where the records are rows.
        event_labels: what of the events answers each outcome, by its name.
        segmentations: to fit.
        outcomes: to learn.
        journeys: to look for, before an outcome.
        texts: to learn, and turned into features.
        judging: how heads are judged.
        gates: what they have to reach.
        approval: who has to agree.
    """

    configuration: Configuration
    events: EventsOrder | None
    event_labels: dict[str, EventLabel]
    segmentations: Sequence[SegmentationOrder]
    outcomes: Sequence[AnyOutcome]
    journeys: Sequence[JourneyOrder]
    texts: Sequence[TextOrder]
    judging: JudgingOrder
    gates: Gates
    approval: ApprovalOrder


def read_orders(configuration: Configuration) -> Orders:
    """All parts of a configuration, checked.

    Raises:
        BadConfig: something in it is absent, wrong or unknown.
    """
    segmentations = [read_segmentation(section) for section in configuration.segmentations]
    outcomes = [read_outcome(section, read_special) for section in configuration.outcomes]
    kinds = {order.name: "segmentation" for order in segmentations} | {order.name: order.kind for order in outcomes}
    gates = _read_gates(configuration.gates, kinds)
    events = None if configuration.events is None else read_events(configuration.events)
    texts = _texts(configuration)
    features = _feature_names(configuration, events, texts)
    _check_features(segmentations, configuration.segmentations, features)
    judging = read_judging(configuration.judging)
    _check_known_at(judging, configuration, features)
    return Orders(
        configuration=configuration,
        events=events,
        event_labels={} if events is None else _event_labels(outcomes, configuration.outcomes),
        segmentations=segmentations,
        outcomes=outcomes,
        journeys=_journeys(configuration, outcomes),
        texts=texts,
        judging=judging,
        gates=gates,
        approval=read_approval(configuration.approval),
    )


def _journeys(configuration: Configuration, outcomes: Sequence[AnyOutcome]) -> list[JourneyOrder]:
    """Each before an event among the outcomes, of a log of events."""
    events = {order.name for order in outcomes if order.kind == PROPENSITY}
    orders = []
    for section in configuration.journeys:
        order = read_journey(section)
        if configuration.events is None:
            raise section.fault('journeys are made of events; the records are rows (shape = "rows" in [data])')
        if order.outcome not in events:
            known = ", ".join(sorted(events)) or "none"
            raise section.fault(f"outcome is {order.outcome!r}; needed is a propensity of [[outcomes]]: {known}")
        orders.append(order)
    return orders


def _texts(configuration: Configuration) -> list[TextOrder]:
    orders = [read_text(section) for section in configuration.texts]
    for order, section in zip(orders, configuration.texts, strict=True):
        if order.column and configuration.rows is None:
            raise section.fault('column is for records that are rows (shape = "rows" in [data]); leave it out')
    return orders


def _read_gates(section: Section | None, kinds: Mapping[str, str]) -> Gates:
    gates = read_gates(section)
    try:
        check_heads(gates, kinds)
    except NoSuchHead as error:
        raise section.fault(str(error)) if section else error from None
    return gates


def _feature_names(
    configuration: Configuration, events: EventsOrder | None, texts: Sequence[TextOrder]
) -> Sequence[str]:
    """Of the records, the attributes and the texts, in the order of the columns."""
    own = [feature.name for feature in configuration.features]
    own += [feature.spec.name for feature in events.features] if events is not None else []
    own += [feature.name for attribute in configuration.attributes for feature in attribute.features]
    return own + [name for text in texts if text.column for name in text.outputs]


def _check_features(orders: Sequence[SegmentationOrder], sections: Sequence[Section], known: Sequence[str]) -> None:
    """Every feature that a segmentation is to be made of is there, and named once."""
    for order, section in zip(orders, sections, strict=True):
        for name in order.features:
            if name not in known:
                raise section.fault(f"features has {name!r}, which is no feature; {_meant(name, known)}")
        twice = [name for name in order.features if order.features.count(name) > 1]
        if twice:
            raise section.fault(f"features has {twice[0]!r} twice; each counts once")


def _check_known_at(judging: JudgingOrder, configuration: Configuration, known: Sequence[str]) -> None:
    """What is said of when features were known can be looked at."""
    section = configuration.judging
    if section is None or not judging.known_at:
        return
    for name in judging.known_at:
        if name not in known:
            raise section.fault(f"known_at has {name!r}, which is no feature; {_meant(name, known)}")
    if configuration.rows is None or not configuration.rows.time:
        raise section.fault("known_at is compared with the moments of rows; needed is time in [data], of rows")


def _meant(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"


def _event_labels(outcomes: Sequence[AnyOutcome], sections: Sequence[Section]) -> dict[str, EventLabel]:
    labels = {}
    for order, section in zip(outcomes, sections, strict=True):
        if order.label_table is None:
            if isinstance(order, SpecialOrder) and order.label is None:
                continue  # an audience of its own says who is meant
            raise section.fault(
                'label is needed as a table, since the records are events, such as label = { function = "any", '
                "within_days = 7 }"
            )
        labels[order.name] = label = read_event_label(order.label_table)
        if isinstance(order, OutcomeOrder) and order.baseline == BG_NBD and label.function != SUM:
            raise section.fault(f"baseline is {BG_NBD!r}, which is of amounts; needed is label.function = {SUM!r}")
    return labels
