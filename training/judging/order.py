"""How heads are judged, what they must reach, and who has to agree: [judging], [gates] and [approval]."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from server.policy import is_label
from training.configuration.section import BadConfig, Section
from training.judging.gates import GATES, Gates, unknown_gate

REWEIGHING: Final = "reweighing"
THRESHOLDS: Final = "thresholds"


@dataclass(frozen=True, slots=True, kw_only=True)
class MitigationOrder:
    """How a bias is to be made less.

    Attributes:
        method: REWEIGHING or THRESHOLDS.
        column: whose groups are to be alike.
    """

    method: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingOrder:
    """How heads are judged.

    Attributes:
        fairness: columns that are no features, whose groups are compared.
        threshold: from which probability on somebody is chosen; None: the tenth with the highest.
        smallest_group: a group of fewer rows is shown, and has no say.
        bootstraps: samples for intervals.
        refits: of a segmentation, on bootstrap samples, for its stability.
        importance_rows: tested rows on which features are shuffled.
        importance_repeats: how often each is.
        migration_days: how far back the segments are looked at that visitors come from.
        audiences: the most that are compared with each other.
        known_at: by feature, the column that says when its value was known, in milliseconds.
        mitigation: None where nothing is to be done.
    """

    fairness: tuple[str, ...] = ()
    threshold: float | None = None
    smallest_group: int = 100
    bootstraps: int = 200
    refits: int = 20
    importance_rows: int = 3000
    importance_repeats: int = 5
    migration_days: int = 28
    audiences: int = 40
    known_at: Mapping[str, str] = field(default_factory=dict)
    mitigation: MitigationOrder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalOrder:
    """Who has to agree before a version takes a label.

    Attributes:
        required: whether somebody has to.
        labels: the labels it is needed for; none for all.
        people: who may approve; none for anybody with a name.
    """

    required: bool = False
    labels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


_DEFAULT = JudgingOrder()


def read_judging(section: Section | None) -> JudgingOrder:
    """[judging]; what is not said is as in JudgingOrder.

    Raises:
        BadConfig: a key is wrong or unknown.
    """
    if section is None:
        return _DEFAULT
    threshold = section.number("threshold")
    if threshold is not None and not 0 < threshold < 1:
        raise section.fault(f"threshold is {threshold:g}; needed is a probability between 0 and 1")
    order = JudgingOrder(
        fairness=section.texts("fairness"),
        threshold=threshold,
        smallest_group=_whole(section, "smallest_group", 1),
        bootstraps=_whole(section, "bootstraps", 0),
        refits=_whole(section, "refits", 0),
        importance_rows=_whole(section, "importance_rows", 0),
        importance_repeats=_whole(section, "importance_repeats", 1),
        migration_days=_whole(section, "migration_days", 1),
        audiences=_whole(section, "audiences", 0),
        known_at=_known_at(section.table("known_at")),
        mitigation=_mitigation(section.table("mitigation")),
    )
    section.finish()
    return order


def _whole(section: Section, key: str, least: int) -> int:
    value = section.whole(key)
    if value is None:
        default: int = getattr(_DEFAULT, key)
        return default
    if value < least:
        raise section.fault(f"{key} is {value}; needed is a whole number from {least}")
    return value


def _known_at(section: Section | None) -> dict[str, str]:
    return {} if section is None else {name: section.text(name) for name in section.names()}


def _mitigation(section: Section | None) -> MitigationOrder | None:
    if section is None:
        return None
    order = MitigationOrder(
        method=section.choice("method", (REWEIGHING, THRESHOLDS)),
        column=section.text("column"),
    )
    section.finish()
    return order


def read_gates(section: Section | None) -> Gates:
    """[gates]: figures that every head has to reach that has them, and by a head's name, figures of its own.

    Raises:
        BadConfig: there is no such gate, or its figure is no number.
    """
    if section is None:
        return Gates({}, {})
    every = _figures(section)
    heads = {}
    for name in section.names():
        if name in GATES:
            continue
        try:
            own = section.table(name)
        except BadConfig:
            raise section.fault(unknown_gate(name)) from None
        if own is not None:
            heads[name] = _figures(own)
            own.finish()
    return Gates(every, heads)


def _figures(section: Section) -> dict[str, float]:
    found = {gate: section.number(gate) for gate in GATES}
    return {gate: needed for gate, needed in found.items() if needed is not None}


def read_approval(section: Section | None) -> ApprovalOrder:
    """[approval]; without it nobody has to agree.

    Raises:
        BadConfig: a key is wrong or unknown.
    """
    if section is None:
        return ApprovalOrder()
    labels = section.texts("labels")
    for label in labels:
        if not is_label(label):
            raise section.fault(f"labels has {label!r}; needed is 1 to 64 of a-z, 0-9, '-' and '_', with no sign first")
    order = ApprovalOrder(
        required=section.truth("required", default=True),
        labels=labels,
        people=section.texts("people"),
    )
    section.finish()
    return order
