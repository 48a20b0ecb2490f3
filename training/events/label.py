"""What comes of visitors, as a file declares it: which events from the moment on are the outcome."""

from dataclasses import dataclass
from typing import Final

from training.configuration.section import Section
from training.events.expressions import read_expression

ANY, COUNT, SUM = "any", "count", "sum"
LABELS: Final = (ANY, COUNT, SUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLabel:
    """The outcome of a visitor as of a moment: of the events from the moment, itself included, to before the end.

    Attributes:
        function: any (1 if there is one, else 0), count, or sum.
        within_days: from the moment to the end, in days of 24 hours.
        where: which events count, SQL over their columns, "" for all.
        of: of a sum, value of each event, SQL over its columns.
    """

    function: str
    within_days: float
    where: str = ""
    of: str = ""


def read_event_label(section: Section) -> EventLabel:
    """The label of an outcome: { function = "any", where = "kind = 'order'", within_days = 7 }.

    Raises:
        BadConfig: a key is absent, wrong, or means nothing with this function.
    """
    function = section.choice("function", LABELS)
    where = read_expression(section, "where")
    of = read_expression(section, "of") if function == SUM else ""
    if function == SUM and not of:
        raise section.fault('sum needs of = "…", a column of the events or what is computed of several')
    within_days = section.number("within_days")
    if within_days is None or within_days <= 0:
        raise section.fault("within_days is needed, a number of days above 0, such as within_days = 7")
    section.finish()
    return EventLabel(function=function, within_days=within_days, where=where, of=of)
