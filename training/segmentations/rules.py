"""Segments by rules that people wrote: a visitor is in the first segment whose condition holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.configuration.section import BadConfig
from training.export.nodes import Nodes
from training.features import Features, FeatureSpec
from training.heads import NO_SEGMENT, SEGMENT, Column, FloatArray, Labels
from training.segmentations.boxes import boxes, emit_first
from training.segmentations.expressions import Emission, holds
from training.segmentations.grammar import BadExpression
from training.segmentations.language import Condition, read_condition
from training.segmentations.shaping import Shaping
from training.table import Table

_MANY: Final = 4  # rules; of fewer their own operators are not more than those of a table


@dataclass(frozen=True, slots=True)
class Rule:
    """A segment as its writer states it.

    Attributes:
        name: for people.
        when: who is in it, in the language of training.segmentations.language; "" for everybody.
        key: permanent, "" where one is to be issued.
    """

    name: str
    when: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """Segments by conditions, the first that holds; those of whom none holds are in no segment.

    Attributes:
        name: of the head.
        title: of the head, for people.
        shaping: of the features by which the segments are described.
        rules: as they were written, by the segments' positions; the last one may be for everybody.
        conditions: of the rules, in their order, without that of the one for everybody.
        warnings: sentences about rules that say less than their writers may think.
    """

    name: str
    title: str
    shaping: Shaping
    rules: tuple[Rule, ...]
    conditions: tuple[Condition, ...]
    warnings: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.rules)

    @property
    def tried(self) -> Sequence[dict[str, float]]:
        """Nothing: there was no choice."""
        return ()

    @property
    def names(self) -> Sequence[str]:
        """What the writers call the segments, by position."""
        return [rule.name for rule in self.rules]

    @property
    def keys(self) -> Sequence[str]:
        """Permanent keys that the writers gave, by position, "" where one is to be issued."""
        return [rule.key for rule in self.rules]

    @property
    def has_outliers(self) -> bool:
        """Whether a visitor of whom no condition holds is in none."""
        return self._rest == NO_SEGMENT

    @property
    def columns(self) -> Sequence[Column]:
        """See Head. A rule holds or does not: there is no margin and no membership."""
        return [(SEGMENT, 1)]

    @property
    def _rest(self) -> int:
        """Where those are of whom no condition holds."""
        return len(self.conditions) if len(self.rules) > len(self.conditions) else NO_SEGMENT

    def assign(self, features: Features) -> Labels:
        """Position of the first segment whose condition holds, shape (n,), NO_SEGMENT for none."""
        labels = np.full(len(features), self._rest, dtype=np.int64)
        for position, condition in reversed(list(enumerate(self.conditions))):
            labels[holds(condition.truth, features)] = position
        return labels

    def scores(self, features: Features) -> FloatArray:
        """The segment's position, shape (n, 1)."""
        return self.assign(features)[:, None].astype(np.float64)

    def emit(self, nodes: Nodes, features: str) -> str:
        """Every condition, then from the last to the first: where it holds, its position, elsewhere what was.

        Where they are many and all of them boxes, they are looked at at once.
        """
        emission = Emission(nodes, features)
        some = [boxes(condition.truth) for condition in self.conditions]
        known = [one for one in some if one is not None]
        if len(self.conditions) >= _MANY and len(known) == len(some) and any(known):
            return emit_first(emission, known, self._rest)
        segment = nodes.constant(self._rest, np.float32)
        for position, condition in reversed(list(enumerate(self.conditions))):
            segment = nodes.add("Where", emission.of(condition.truth), nodes.constant(position, np.float32), segment)
        return segment


def fit_conditions(name: str, title: str, rules: Sequence[Rule], table: Table, describing: Sequence[str] = ()) -> Rules:
    """Rules whose thresholds are fixed on a population.

    Args:
        name: of the head.
        title: of the head.
        rules: at least one with a condition; only the last may be for everybody.
        table: the population, at least one row.
        describing: features by which the segments are described; none: those that the conditions read.

    Raises:
        BadConfig: a condition is none over the table's features; or there is no row.
    """
    if not len(table):
        raise BadConfig(f"segmentation {name!r}: there is no visitor to fix thresholds and shares on")
    conditions = read_conditions(name, rules, table.specs, table.features)
    read = {column for condition in conditions for column in condition.columns}
    names = set(describing) or {table.specs[column].name for column in read}
    numbers = {spec.name for spec in table.specs if spec.name in names and not spec.vocabulary}
    shaping = Shaping.fit(table.features, table.specs, numbers)
    return Rules(name, title, shaping, tuple(rules), conditions, tuple(_warnings(rules, conditions, table.features)))


def read_conditions(
    name: str, rules: Sequence[Rule], specs: Sequence[FeatureSpec], population: Features | None = None
) -> tuple[Condition, ...]:
    """The conditions of rules, without that of the one for everybody.

    Args:
        name: of the segmentation, for errors.
        rules: in order.
        specs: the features.
        population: see training.segmentations.language.read_condition.

    Raises:
        BadConfig: a condition is none over these features. The text names the segment and shows where.
    """
    conditions = []
    for rule in rules:
        try:
            conditions += [read_condition(rule.when, specs, population)] if rule.when else []
        except BadExpression as error:
            raise BadConfig(f"segmentation {name!r}, segment {rule.name!r}: {error}") from None
    return tuple(conditions)


def _warnings(rules: Sequence[Rule], conditions: Sequence[Condition], population: Features) -> list[str]:
    """What is odd about these rules on this population, a sentence each."""
    texts = []
    free = np.ones(len(population), dtype=bool)
    for rule, condition in zip(rules, conditions, strict=False):
        inside = holds(condition.truth, population)
        if not inside.any():
            texts.append(f"nobody satisfies the rule of {rule.name!r}: {condition.text}")
        elif not (inside & free).any():
            texts.append(f"everybody who satisfies the rule of {rule.name!r} is in a segment before it already")
        free &= ~inside
    if len(rules) > len(conditions) and not free.any():
        texts.append(f"nobody is left for {rules[-1].name!r}: every visitor satisfies a rule before it")
    return texts
