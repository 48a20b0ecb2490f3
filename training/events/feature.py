"""A feature over events, as a file declares it: which events, what of them, over how long a time."""

from dataclasses import dataclass
from typing import Final

from training.configuration.section import Section
from training.events.expressions import columns, read_expression
from training.features import FeatureSpec
from training.journeys.gap import NO_GAP, Gap, read_gap
from training.journeys.order import LONGEST

COUNT, SUM, MEAN, MINIMUM, MAXIMUM, DISTINCT = "count", "sum", "mean", "minimum", "maximum", "distinct"
DECAYED_COUNT, DECAYED_SUM, DECAYED_MEAN = "decayed_count", "decayed_sum", "decayed_mean"
SINCE_LAST, SINCE_FIRST, MEAN_GAP = "since_last", "since_first", "mean_gap"
SHARE, TREND = "share", "trend"
JOURNEY = "journey"
MOST_FREQUENT, LAST = "most_frequent", "last"

_DECAYED: Final = (DECAYED_COUNT, DECAYED_SUM, DECAYED_MEAN)
_OF_NEEDED: Final = (SUM, MEAN, MINIMUM, MAXIMUM, DISTINCT, DECAYED_SUM, DECAYED_MEAN, MOST_FREQUENT, LAST, JOURNEY)
_OF_ALLOWED: Final = (*_OF_NEEDED, SHARE, TREND)
_DEFAULT_NEEDED: Final = (MEAN, MINIMUM, MAXIMUM, DECAYED_MEAN, LAST, MOST_FREQUENT)
_DAYS: Final = (SINCE_LAST, SINCE_FIRST, MEAN_GAP)
_NEVER_NEGATIVE: Final = (COUNT, DISTINCT, DECAYED_COUNT, SHARE, JOURNEY, *_DAYS)
_COUNTED: Final = (COUNT, SUM, MEAN, MINIMUM, MAXIMUM, DISTINCT, *_DECAYED)
FUNCTIONS: Final = (*_COUNTED, *_DAYS, SHARE, TREND, MOST_FREQUENT, LAST, JOURNEY)
_OF_ALL_TIME: Final = {
    SINCE_FIRST: "the first event of all time",
    JOURNEY: "what came before an event",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFeature:
    """One feature.

    Attributes:
        spec: what it is for the wire and for people.
        function: one of FUNCTIONS.
        default: what stands where nothing is known; of a category the position of a word.
        of: value of each event, SQL over its columns; "" for 1. Events where it is nothing (NULL) do not count.
        where: which events count, SQL over their columns, "" for all.
        part: of a share, which events are in the part.
        whole: of a share, the value of each event in the whole; "" for that of the part.
        window_days: how long before the moment an event counts; None for all time before it. Of since_first the most
            that it says.
        recent_days: of a trend, the end of the window that is compared with all of it.
        half_life_days: after how long an event counts half, None for not decayed.
        steps: of a journey, the values of `of` in the order in which they are to come.
        gap: of a journey, from each step to the next.
    """

    spec: FeatureSpec
    function: str
    default: float
    of: str = ""
    where: str = ""
    part: str = ""
    whole: str = ""
    window_days: float | None = None
    recent_days: float | None = None
    half_life_days: float | None = None
    steps: tuple[str, ...] = ()
    gap: Gap = NO_GAP


def read_event_feature(section: Section) -> EventFeature:
    """One [[features]] table over events.

    Raises:
        BadConfig: a key is absent, wrong, or means nothing with this function.
    """
    name = section.text("name")
    section.called(name)
    function = section.choice("function", FUNCTIONS)
    of = _read_of(section, function)
    where = read_expression(section, "where")
    steps = _read_steps(section) if function == JOURNEY else ()
    if function in _OF_ALL_TIME and "as_of" in columns(where) | columns(of):
        raise section.fault(f"there is as_of, which {_OF_ALL_TIME[function]} cannot depend on; needed is one without")
    part = read_expression(section, "part") if function == SHARE else ""
    whole = read_expression(section, "whole") if function == SHARE else ""
    if function == SHARE and not part and not whole:
        raise section.fault(
            'a share needs part = "…", which events are in it, or whole = "…", the value it is a part of'
        )
    window_days = None if function in _DECAYED else _days(section, "window_days")
    half_life_days = _days(section, "half_life_days") if function in _DECAYED else None
    recent_days = _recent_days(section, window_days) if function == TREND else None
    trend = window_days / recent_days if window_days and recent_days else None
    highest = {
        SHARE: 1.0,
        TREND: trend,
        JOURNEY: float(len(steps)),
        **dict.fromkeys(_DAYS, window_days),
    }.get(function)
    spec = _read_spec(section, name, function, highest)
    feature = EventFeature(
        spec=spec,
        function=function,
        default=_read_default(section, function, spec, window_days),
        of=of,
        where=where,
        part=part,
        whole=whole,
        window_days=window_days,
        recent_days=recent_days,
        half_life_days=half_life_days,
        steps=steps,
        gap=read_gap(section) if function == JOURNEY else NO_GAP,
    )
    section.finish()
    return feature


def _read_of(section: Section, function: str) -> str:
    of = read_expression(section, "of") if function in _OF_ALLOWED else ""
    if function in _OF_NEEDED and not of:
        raise section.fault(f'{function} needs of = "…", a column of the events or what is computed of several')
    return of


def _read_steps(section: Section) -> tuple[str, ...]:
    steps = section.texts("steps")
    if not 1 <= len(steps) <= LONGEST:
        raise section.fault(
            f'steps are {len(steps) or "absent"}; a journey has 1 to {LONGEST}, such as steps = ["search", "cart"]'
        )
    return steps


def _days(section: Section, key: str) -> float:
    days = section.number(key)
    if days is None or days <= 0:
        raise section.fault(f"{key} is {days or 'absent'}; needed is a number of days above 0, such as {key} = 28")
    return days


def _recent_days(section: Section, window_days: float | None) -> float:
    days = _days(section, "recent_days")
    if window_days is not None and days >= window_days:
        raise section.fault(f"recent_days is {days:g}; needed is less than window_days, {window_days:g}")
    return days


def _read_spec(section: Section, name: str, function: str, highest: float | None) -> FeatureSpec:
    description = section.text("description")
    vocabulary = section.texts("vocabulary") if function in {MOST_FREQUENT, LAST} else ()
    high, low = section.text("high", ""), section.text("low", "")
    if function == MOST_FREQUENT and not vocabulary:
        raise section.fault('most_frequent needs vocabulary = ["…", "…"], the words that count')
    if len(set(vocabulary)) != len(vocabulary):
        raise section.fault("vocabulary has a word twice; needed are distinct words")
    if vocabulary:
        return FeatureSpec(name=name, description=description, vocabulary=vocabulary)
    minimum, maximum = section.number("minimum"), section.number("maximum")
    minimum = 0.0 if minimum is None and function in _NEVER_NEGATIVE else minimum
    maximum = highest if maximum is None else maximum
    if minimum is not None and maximum is not None and minimum >= maximum:
        raise section.fault(f"minimum is {minimum:g} and maximum {maximum:g}; needed is a minimum below the maximum")
    is_skewed = section.truth("skewed")
    if is_skewed and (minimum is None or minimum < 0):
        raise section.fault("skewed takes a logarithm, which negative numbers have not; needed is minimum = 0")
    return FeatureSpec(
        name=name,
        description=description,
        unit=section.text("unit", _unit(function)),
        minimum=minimum,
        maximum=maximum,
        is_skewed=is_skewed,
        high=high,
        low=low,
    )


def _unit(function: str) -> str:
    if function in _DAYS:
        return "days"
    return {SHARE: "share", TREND: "ratio", JOURNEY: "steps"}.get(function, "")


def _read_default(section: Section, function: str, spec: FeatureSpec, window_days: float | None) -> float:
    if spec.vocabulary:
        word = section.choice("default", spec.vocabulary)
        return float(spec.vocabulary.index(word))
    stated = section.number("default")
    if stated is not None:
        return _within(section, stated, spec)
    if function in _DEFAULT_NEEDED:
        raise section.fault(f"{function} of no events is nothing; needed is default = …, what then stands in its place")
    if function in _DAYS and window_days is not None:
        return window_days
    return 1.0 if function == TREND else 0.0


def _within(section: Section, default: float, spec: FeatureSpec) -> float:
    too_low = spec.minimum is not None and default < spec.minimum
    if too_low or (spec.maximum is not None and default > spec.maximum):
        raise section.fault(f"default is {default:g}, which is outside minimum and maximum; needed is one within")
    return default
