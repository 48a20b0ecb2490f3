"""Everything that a configuration orders, read before any work is begun: mistakes are said now, not in an hour."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.configuration.configuration import Configuration
from training.configuration.section import Section
from training.events.label import EventLabel, read_event_label
from training.events.order import EventsOrder, read_events
from training.journeys.order import JourneyOrder, read_journey
from training.judging.gates import Gates, check_heads
from training.judging.order import ApprovalOrder, JudgingOrder, read_approval, read_gates, read_judging
from training.outcomes.order import PROPENSITY, OutcomeOrder, read_outcome
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
        NoSuchHead: a gate is for a head that there is not, or that has no such figure.
    """
    segmentations = [read_segmentation(section) for section in configuration.segmentations]
    outcomes = [read_outcome(section, read_special) for section in configuration.outcomes]
    gates = read_gates(configuration.gates)
    kinds = {order.name: "segmentation" for order in segmentations} | {order.name: order.kind for order in outcomes}
    check_heads(gates, kinds)
    events = configuration.events
    return Orders(
        configuration=configuration,
        events=None if events is None else read_events(events),
        event_labels={} if events is None else _event_labels(outcomes, configuration.outcomes),
        segmentations=segmentations,
        outcomes=outcomes,
        journeys=_journeys(configuration, outcomes),
        texts=_texts(configuration),
        judging=read_judging(configuration.judging),
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
        labels[order.name] = read_event_label(order.label_table)
    return labels
