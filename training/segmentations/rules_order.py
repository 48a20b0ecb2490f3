"""What a file orders of segmentations by rules: method = "rules", "rfm" or "lifecycle".

    [[segmentations]]
    name = "moments"
    title = "when the customer can be reached"
    method = "rules"
    otherwise = "Others"            # absent: who satisfies no rule is in no segment
    otherwise_key = "moments-rest"  # absent: issued

    [[segmentations.segments]]      # the first whose condition holds
    name = "Evening big spenders"
    key = "moments-evening"         # absent: issued
    when = 'spend_84d > top(10%) and main_daypart == "evening"'

    [[segmentations]]
    method = "rfm"                  # name and title as above
    features = ["recency_days", "baskets_84d", "spend_84d"]
    bands = 5                       # 3, 4 or 5
    segments = […]                  # absent: the customary map; else name, key, recency, frequency and money, such as
                                    # recency = [4, 5]: bands from 4 to 5, where 5 is best; absent: all of them

    [[segmentations]]
    method = "lifecycle"
    recency = "recency_days"
    tenure = "tenure_days"
    new_days = 28
    at_risk_days = 30               # with lapsed_days; or, by the visitor's own rhythm:
    gap = "days_between"            # with at_risk_gaps = 2, lapsed_gaps = 4, least_gap_days = 1
    absence = "last_gap_days"       # absent: nobody is said to be returning

For all: features (of rules and lifecycle) by which the segments are described; absent: those that the rules read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from training.configuration.section import BadConfig, Section
from training.features import FeatureSpec
from training.segmentations import lifecycle, rfm
from training.segmentations.grammar import BadExpression, alike, check_grammar
from training.segmentations.lifecycle import Stages, stage_rules
from training.segmentations.rules import Rule, Rules, fit_conditions, read_conditions
from training.table import Table

METHODS: Final = ("rules", "rfm", "lifecycle")
_MOST_SEGMENTS: Final = 100  # a page renders meanwhile (assumed)
_RFM: Final = ("recency", "frequency", "money")


@dataclass(frozen=True, slots=True)
class RulesOrder:
    """A segmentation by rules, whatever it was ordered as.

    Attributes:
        name: of the head.
        title: of the head, for people.
        method: of METHODS.
        rules: in order; only the last may be for everybody.
        describing: features by which the segments are described, none for those that the rules read.
    """

    name: str
    title: str
    method: str
    rules: tuple[Rule, ...]
    describing: tuple[str, ...]


def read_rules(section: Section, name: str, title: str, method: str) -> RulesOrder:
    """The order of a [[segmentations]] whose name, title and method are known.

    Raises:
        BadConfig: it is none. The text says where, and what would be right.
    """
    for key in ("name", "title", "method"):
        section.has(key)
    rules = _METHODS[method](section, name)
    features = section.texts("features") if method != "rfm" else ()
    section.finish()
    _check(section, rules)
    return RulesOrder(name, title, method, tuple(rules), features)


def check_rules(order: RulesOrder, specs: Sequence[FeatureSpec]) -> None:
    """Whether the rules can be read over these features, without any records.

    Raises:
        BadConfig: they cannot.
    """
    names = [spec.name for spec in specs]
    for feature in order.describing:
        if feature not in names:
            raise BadConfig(f"segmentation {order.name!r}: {_unknown(feature, names)}")
    read_conditions(order.name, order.rules, specs)


def fit_rules(order: RulesOrder, table: Table, seed: int) -> Rules:  # noqa: ARG001  # as every method; none is needed
    """The segmentation, its thresholds fixed on the table's rows.

    Raises:
        BadConfig: a rule cannot be read over the table's features, or there are no rows.
    """
    check_rules(order, table.specs)
    return fit_conditions(order.name, order.title, order.rules, table, order.describing)


def _unknown(feature: str, names: Sequence[str]) -> str:
    return f"there is no feature {feature!r}; {alike(feature, names, 'the features')}"


def _check(section: Section, rules: Sequence[Rule]) -> None:
    if len(rules) > _MOST_SEGMENTS:
        raise section.fault(f"there are {len(rules)} segments; there can be {_MOST_SEGMENTS}")
    for what, values in (("name", [r.name for r in rules]), ("key", [r.key for r in rules if r.key])):
        twice = [value for value in values if values.count(value) > 1]
        if twice:
            raise section.fault(f"two segments have the {what} {twice[0]!r}; each needs its own")


def _written(section: Section, name: str) -> list[Rule]:  # noqa: ARG001  # as the other methods
    rules = [_rule(one) for one in section.tables("segments")]
    if not rules:
        raise section.fault("method rules needs segments, each of which begins with [[segmentations.segments]]")
    if section.has("otherwise"):
        rules.append(Rule(section.text("otherwise"), "", section.text("otherwise_key", "")))
    return rules


def _rule(section: Section) -> Rule:
    rule = Rule(section.text("name"), section.text("when"), section.text("key", ""))
    section.finish()
    try:
        check_grammar(rule.when)
    except BadExpression as error:
        raise section.fault(f"when of {rule.name!r}: {error}") from None
    return rule


def _rfm(section: Section, name: str) -> list[Rule]:
    features = section.texts("features")
    if len(features) != len(_RFM) or len(set(features)) != len(_RFM):
        raise section.fault('method rfm needs features = ["…", "…", "…"]: recency, frequency and money, in this order')
    bands = section.whole("bands") if section.has("bands") else max(rfm.BANDS)
    if bands not in rfm.BANDS:
        raise section.fault(f"bands is {bands}; there can be 3, 4 or 5")
    if not section.has("segments"):
        return _keyed(name, rfm.customary_rules(features, bands))
    cells = [_cells(one, bands) for one in section.tables("segments")]
    if not cells:
        raise section.fault("segments has none; leave it out for the customary map")
    rules = rfm.cell_rules(features, bands, cells)
    if section.has("otherwise"):
        rules.append(Rule(section.text("otherwise"), "", section.text("otherwise_key", "")))
    return rules


def _cells(section: Section, bands: int) -> rfm.Cells:
    ranges = [_range(section, key, bands) for key in _RFM]
    cells = rfm.Cells(section.text("name"), section.text("key", ""), *ranges)
    section.finish()
    return cells


def _range(section: Section, key: str, bands: int) -> rfm.Range:
    ends = section.wholes(key) or (1, bands)
    low, high = ends[0], ends[-1]
    if len(ends) > 2 or not 1 <= low <= high <= bands:  # noqa: PLR2004  # a first and a last band
        raise section.fault(
            f"{key} is {list(ends)}; needed are a first and a last band from 1 to {bands}, as in [2, 3]"
        )
    return low, high


def _lifecycle(section: Section, name: str) -> list[Rule]:
    gap = section.text("gap", "")
    at_risk, lapsed = _limits(section, "gaps" if gap else "days")
    new_days = _positive(section, "new_days", None)
    stages = Stages(
        recency=section.text("recency"),
        tenure=section.text("tenure"),
        gap=gap,
        absence=section.text("absence", ""),
        new_days=new_days,
        at_risk=at_risk,
        lapsed=lapsed,
        least_gap_days=_positive(section, "least_gap_days", lifecycle.LEAST_GAP_DAYS) if gap else 0.0,
    )
    return _keyed(name, stage_rules(stages))


def _limits(section: Section, unit: str) -> tuple[float, float]:
    is_gaps = unit == "gaps"
    other = "days" if is_gaps else "gaps"
    for key in (f"at_risk_{other}", f"lapsed_{other}"):
        if section.has(key):
            right = "with gap, limits are in gaps" if is_gaps else "limits in gaps need gap, the feature with them"
            raise section.fault(f"{key} means nothing here: {right}")
    at_risk = _positive(section, f"at_risk_{unit}", lifecycle.AT_RISK_GAPS if is_gaps else None)
    lapsed = _positive(section, f"lapsed_{unit}", lifecycle.LAPSED_GAPS if is_gaps else None)
    if lapsed <= at_risk:
        raise section.fault(f"lapsed_{unit} is {lapsed:g}; it has to be more than at_risk_{unit}, {at_risk:g}")
    return at_risk, lapsed


def _positive(section: Section, key: str, default: float | None) -> float:
    number = section.number(key)
    number = default if number is None else number
    if number is None or number <= 0:
        raise section.fault(
            f"{key} is needed, a number more than 0"
            if number is None
            else f"{key} is {number:g}; needed is more than 0"
        )
    return number


def _keyed(name: str, rules: Sequence[Rule]) -> list[Rule]:
    """Rules that mean the same in every version, with keys that say so."""
    return [replace(rule, key=f"{name}-{re.sub('[^a-z]+', '_', rule.name.lower())}") for rule in rules]


_METHODS: Final[Mapping[str, Callable[[Section, str], list[Rule]]]] = {
    "rules": _written,
    "rfm": _rfm,
    "lifecycle": _lifecycle,
}
