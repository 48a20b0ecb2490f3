"""The heads of a model that is imported: what the TOML file says of each, and of its segments."""

from collections.abc import Mapping
from dataclasses import dataclass

from training.configuration.section import Section

APPLIED = ("sigmoid", "softmax", "exp")
_KINDS = ("segmentation", "propensity", "value")
PICKS = ("segment", "memberships", "distances", "distance", "margin")  # of a segmentation
SINGLE = ("segment", "distance", "margin")


@dataclass(frozen=True, slots=True)
class Pick:
    """Columns of one of the graph's outputs.

    Attributes:
        output: name of the output.
        columns: from 0; none means all.
        applied: what is done with the numbers, one of APPLIED, "" for nothing.
    """

    output: str
    columns: tuple[int, ...]
    applied: str


@dataclass(frozen=True, slots=True)
class Named:
    """A segment: its name, its key if one was given, and the label that the graph gives it if that is no position."""

    name: str
    key: str | None
    label: int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadOrder:
    """A head, and where its numbers are.

    Attributes:
        name: of the head, as are kind, title, horizon_days and unit; see bundle.proto.
        picks: by what they are: one of PICKS, or "number" for a propensity or a value.
        segments: of a segmentation, in the order of their positions.
    """

    name: str
    kind: str
    title: str
    horizon_days: float
    unit: str
    picks: Mapping[str, Pick]
    segments: tuple[Named, ...]


def read_head(table: Section) -> HeadOrder:
    """One [[heads]].

    Raises:
        BadConfig: something in it is absent, wrong or unknown.
    """
    name = table.text("name")
    table.called(name)
    kind = table.choice("kind", _KINDS)
    is_segmentation = kind == "segmentation"
    head = HeadOrder(
        name=name,
        kind=kind,
        title=table.text("title", ""),
        horizon_days=0.0 if is_segmentation else _read_horizon(table),
        unit=table.text("unit") if kind == "value" else "",
        picks=_read_picks(table) if is_segmentation else {"number": _read_pick(table, is_single=True, is_number=True)},
        segments=tuple(_read_segment(one) for one in table.tables("segments")) if is_segmentation else (),
    )
    table.finish()
    if is_segmentation:
        _check_segments(table, head.segments)
    return head


def _read_horizon(table: Section) -> float:
    days = table.number("horizon_days")
    if days is None or days <= 0:
        raise table.fault("horizon_days is needed, more than 0: the length of time that the head speaks of, in days")
    return days


def _read_picks(table: Section) -> dict[str, Pick]:
    picks = {}
    for role in PICKS:
        inner = table.table(role)
        if inner is not None:
            picks[role] = _read_pick(inner, is_single=role in SINGLE, is_number=role != "segment")
            inner.finish()
    if not picks.keys() & {"segment", "memberships", "distances"}:
        raise table.fault('needed is segment = {output = "…"}, memberships = {output = "…"} or distances = '
                          '{output = "…"}: which output says the segment')  # fmt: skip
    return picks


def _read_pick(table: Section, *, is_single: bool, is_number: bool) -> Pick:
    output = table.text("output")
    if is_single:
        column = table.whole("column")
        columns: tuple[int, ...] = () if column is None else (column,)
    else:
        columns = table.wholes("columns")
    return Pick(output, columns, table.choice("apply", APPLIED, "") if is_number else "")


def _read_segment(table: Section) -> Named:
    segment = Named(table.text("name"), table.text("key", "") or None, table.label("label"))
    table.finish()
    return segment


def _check_segments(table: Section, segments: tuple[Named, ...]) -> None:
    if not segments:
        raise table.fault("segments is needed: a [[heads.segments]] with a name for each segment, in order")
    for what, values in (
        ("name", [segment.name for segment in segments]),
        ("key", [segment.key for segment in segments if segment.key]),
        ("label", [segment.label for segment in segments if segment.label is not None]),
    ):
        if len(set(values)) != len(values):
            raise table.fault(f"two segments have the same {what}: {values}")
    labels = {type(segment.label) for segment in segments}
    if len(labels) > 1:
        raise table.fault("segments: either each has a label, all texts or all whole numbers, or none has one")
