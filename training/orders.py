"""Everything that a configuration orders, read before any work is begun: mistakes are said now, not in an hour."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.configuration.configuration import Configuration
from training.configuration.section import Section
from training.events.label import EventLabel, read_event_label
from training.events.order import EventsOrder, read_events
from training.judging.gates import Gates, check_heads
from training.judging.order import ApprovalOrder, JudgingOrder, read_approval, read_gates, read_judging
from training.outcomes.order import OutcomeOrder, read_outcome
from training.segmentations.order import SegmentationOrder, read_segmentation
from training.special_order import SpecialOrder, read_special

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
        judging: how heads are judged.
        gates: what they have to reach.
        approval: who has to agree.
    """

    configuration: Configuration
    events: EventsOrder | None
    event_labels: dict[str, EventLabel]
    segmentations: Sequence[SegmentationOrder]
    outcomes: Sequence[AnyOutcome]
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
        judging=read_judging(configuration.judging),
        gates=gates,
        approval=read_approval(configuration.approval),
    )


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
