"""The whole file that says what to train: the parts that are common, and those of others as they stand."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.repository import is_model_name
from training.configuration.file import read_file
from training.configuration.section import BadConfig, Section
from training.quality.order import QualityOrder, read_quality
from training.sources.attributes import AttributeOrder, read_attribute
from training.sources.features import FeatureOrder, read_feature
from training.sources.labels import LabelOrder, read_label
from training.sources.order import RowsOrder, read_rows_order

SHIPPED = Path(__file__).parent.parent / "configurations"
ROWS, EVENTS = "rows", "events"
_SHAPES = (ROWS, EVENTS)
_EVENT_KEYS = ("data", "features", "dates")
_LARGEST_SEED = (1 << 32) - 1  # that generators of random numbers take
_HEAD = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """The table [model].

    Attributes:
        name: of the model in the repository.
        title: for people.
        seed: of every random number.
    """

    name: str
    title: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What to train. Sections are read, and finished, by those who know their keys.

    Attributes:
        file: where it was read from.
        model: what is trained.
        rows: the records, None when they are events.
        features: columns of the rows, none when the records are events.
        labels: of outcomes that are columns of the rows.
        events: [data], [[features]] and [dates] of events, None when the records are rows.
        attributes: joined by visitor.
        quality: limits of what may be wrong with the records.
        segmentations: [[segmentations]].
        outcomes: [[outcomes]].
        texts: [[texts]].
        journeys: [[journeys]].
        judging: [judging], None when it is absent.
        gates: [gates].
        approval: [approval].
    """

    file: Path
    model: ModelOrder
    rows: RowsOrder | None
    features: tuple[FeatureOrder, ...]
    labels: tuple[LabelOrder, ...]
    events: Section | None
    attributes: tuple[AttributeOrder, ...]
    quality: QualityOrder
    segmentations: tuple[Section, ...]
    outcomes: tuple[Section, ...]
    texts: tuple[Section, ...]
    journeys: tuple[Section, ...]
    judging: Section | None
    gates: Section | None
    approval: Section | None

    def folders(self, data: Path | None) -> tuple[Path, ...]:
        """Where relative paths of data are looked up: a folder that was given, else beside the file."""
        return (self.file.parent,) if data is None else (data,)


def read_configuration(path: Path) -> Configuration:
    """The configuration in a file.

    Raises:
        BadConfig: it cannot be read, or something in it is absent, wrong or unknown. The text names file and line.
    """
    root = read_file(path)
    model = _read_model(_needed(root, "model", 'name = "shop"'))
    data = _needed(root, "data", 'shape = "rows"')
    is_rows = data.choice("shape", _SHAPES) == ROWS
    configuration = Configuration(
        file=path,
        model=model,
        rows=read_rows_order(data) if is_rows else None,
        features=tuple(read_feature(feature) for feature in root.tables("features")) if is_rows else (),
        labels=_read_labels(root) if is_rows else (),
        events=None if is_rows else root.part(_EVENT_KEYS),
        attributes=tuple(read_attribute(attribute) for attribute in root.tables("attributes")),
        quality=read_quality(root.table("quality")),
        segmentations=tuple(root.tables("segmentations")),
        outcomes=tuple(root.tables("outcomes")),
        texts=tuple(root.tables("texts")),
        journeys=tuple(root.tables("journeys")),
        judging=root.table("judging"),
        gates=root.table("gates"),
        approval=root.table("approval"),
    )
    root.finish()
    _check_heads(configuration)
    _check_features(root, configuration)
    return configuration


def find_configuration(name: str) -> Path:
    """The file of this path, or of the shipped configuration of this name.

    Raises:
        BadConfig: there is none. The text names the shipped ones.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.is_file() or len(path.parts) > 1:
        return path
    names = _names()
    if name in names:
        return SHIPPED / f"{name}.toml"
    close = difflib.get_close_matches(name, names, 1)
    meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}, or give the path of a .toml file"
    raise BadConfig(f"there is no configuration {name!r}; {meant}")


def shipped() -> Mapping[str, str]:
    """The titles of the configurations that come with the package, by name, in alphabetical order."""
    return {name: read_configuration(SHIPPED / f"{name}.toml").model.title for name in _names()}


def _names() -> list[str]:
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def _needed(root: Section, key: str, such_as: str) -> Section:
    section = root.table(key)
    if section is None:
        raise root.fault(f"[{key}] is needed, a table that begins with [{key}] and has keys such as {such_as}")
    return section


def _read_model(section: Section) -> ModelOrder:
    name = section.text("name")
    if not is_model_name(name):
        raise section.fault(f"name is {name!r}; needed is 1 to 64 of a-z, 0-9, - and _, such as 'churn'")
    seed = section.whole("seed") or 0
    if seed > _LARGEST_SEED:
        raise section.fault(f"seed is {seed}; needed is a whole number from 0 to {_LARGEST_SEED}")
    order = ModelOrder(name, section.text("title", name), seed)
    section.finish()
    return order


def _read_labels(root: Section) -> tuple[LabelOrder, ...]:
    labels = (read_label(outcome) for outcome in root.tables("outcomes"))
    return tuple(label for label in labels if label is not None)


def _check_heads(configuration: Configuration) -> None:
    """Every head has a name of its own."""
    taken: set[str] = set()
    heads = (*configuration.segmentations, *configuration.outcomes, *configuration.texts)
    if not heads:
        raise BadConfig(
            f"{configuration.file}: there is nothing to train; needed is at least one [[segmentations]] or [[outcomes]]"
        )
    for head in heads:
        name = head.text("name")
        if not _HEAD.fullmatch(name):
            raise head.fault(f"name is {name!r}; needed is 1 to 64 of a-z, 0-9 and _, such as 'buys_7d'")
        if name in taken:
            raise head.fault(f"name is {name!r}, which another head has already; needed is a name of its own")
        taken.add(name)


def _check_features(root: Section, configuration: Configuration) -> None:
    names = [feature.name for feature in configuration.features]
    names += [feature.name for attribute in configuration.attributes for feature in attribute.features]
    if configuration.rows is not None and not names:
        raise root.fault("features: there is none; needed is at least one [[features]], a column to learn from")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise root.fault(f"features: {twice[0]!r} is the name of two; each needs a name of its own")
    places = {feature.column: feature.name for feature in configuration.features}
    for label in configuration.labels:
        if label.column in places:
            raise label.place.fault(
                f"label is {label.column!r}, the column of the feature {places[label.column]!r} too: it would foretell "
                "itself; leave the feature out"
            )
