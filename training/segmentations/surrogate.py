"""A segmentation told in rules: a small decision tree that imitates it on features whose units people know.

The tree is fitted to the labels of some of the visitors, its thresholds are rounded as far as that costs little on
them, and how well it imitates is measured on the other visitors, by the very rules that people read.

Source: M. W. Craven and J. W. Shavlik, Extracting tree-structured representations of trained networks, 1996, for
imitation by a tree and its fidelity.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from training.features import Features, FeatureSpec
from training.heads import Labels, Segmentation
from training.segmentations.paths import Path, Question, text_of, when_of
from training.table import Table

_HELD_OUT: Final = 0.3
_SMALLEST_SHARE: Final = 0.01  # of the visitors, for a rule to be worth reading (assumed)
_ROUNDING_COST: Final = 0.005  # of the agreement, that round numbers may cost (assumed)
_MOST_DIGITS: Final = 6
_LEAST_ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class SurrogateRule:
    """Some visitors of a segment.

    Attributes:
        position: of the segment, NO_SEGMENT for none.
        when: who they are, a condition of training.segmentations.language.
        text: the same for people, with units.
        share: of all visitors, in [0, 1].
        precision: share of these who really are in the segment, among the held-out; None where there are none of them.
    """

    position: int
    when: str
    text: str
    share: float
    precision: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one segment is imitated, on held-out visitors.

    Attributes:
        position: of the segment, NO_SEGMENT for none.
        count: held-out visitors in it.
        precision: share of those whom the rules put in it who are; None where they put nobody there.
        recall: share of those in it whom the rules put there; None where nobody is in it.
    """

    position: int
    count: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Rules that imitate a segmentation: every visitor satisfies exactly one.

    Attributes:
        rules: by segment, those with most visitors first.
        fidelity: share of held-out visitors whom the rules put where the segmentation does.
        guessing: the same for always naming the largest segment.
        agreements: by segment.
        row_count: visitors that the rules were fitted to.
        held_out_count: visitors that fidelity was measured on.
    """

    rules: tuple[SurrogateRule, ...]
    fidelity: float
    guessing: float
    agreements: tuple[Agreement, ...]
    row_count: int
    held_out_count: int


@dataclass(frozen=True, slots=True)
class _Split:
    """A question, and what follows from its answers."""

    question: Question
    yes: "_Split | int"
    no: "_Split | int"


def fit_surrogate(head: Segmentation, table: Table, seed: int, max_depth: int = 4) -> Surrogate | None:
    """The rules of a tree fitted to a segmentation's labels; None for fewer than 20 rows, which show nothing.

    Args:
        head: any segmentation.
        table: the visitors that it was fitted to.
        seed: of which visitors are held out.
        max_depth: most questions to a rule.
    """
    if len(table) < _LEAST_ROWS:
        return None
    labels = head.assign(table.features)
    fitting, held_out = train_test_split(np.arange(len(table)), test_size=_HELD_OUT, random_state=seed)
    questions = list(_questions(table.specs))
    known = table.features[fitting]
    tree = _fit(np.column_stack([question.answers(known) for question in questions]), labels[fitting], max_depth, seed)
    rounded = _rounded(_grown(tree, 0, questions), known, labels[fitting])
    return _judged(_merged(rounded), table, labels, held_out, len(fitting))


def _questions(specs: Sequence[FeatureSpec]) -> Iterator[Question]:
    """What the tree may look at: a number's value, and for each word of a category whether it is that."""
    for column, spec in enumerate(specs):
        if spec.vocabulary:
            yield from (Question(column, spec, 0.5, word) for word in range(len(spec.vocabulary)))
        else:
            yield Question(column, spec, 0.0)


def _fit(columns: npt.NDArray[np.float32], labels: Labels, max_depth: int, seed: int) -> DecisionTreeClassifier:
    smallest = max(2, int(len(labels) * _SMALLEST_SHARE))
    tree = DecisionTreeClassifier(max_depth=max_depth, min_samples_leaf=smallest, random_state=seed)
    return tree.fit(columns, labels)


def _grown(tree: DecisionTreeClassifier, node: int, questions: Sequence[Question]) -> _Split | int:
    grown = tree.tree_
    if grown.children_left[node] < 0:
        return int(tree.classes_[grown.value[node][0].argmax()])
    asked = questions[grown.feature[node]].at(float(grown.threshold[node]))
    left, right = (_grown(tree, side[node], questions) for side in (grown.children_left, grown.children_right))
    return _Split(asked, yes=left, no=right)


def _predict(tree: _Split | int, features: Features) -> Labels:
    if isinstance(tree, int):
        return np.full(len(features), tree, dtype=np.int64)
    is_yes = tree.question.holds(features)
    return np.where(is_yes, _predict(tree.yes, features), _predict(tree.no, features))


def _rounded(tree: _Split | int, features: Features, labels: Labels) -> _Split | int:
    """The tree with the roundest thresholds that cost little, each with as few digits as it can."""
    least = float(np.mean(_predict(tree, features) == labels)) - _ROUNDING_COST
    thresholds = _thresholds(tree)
    for place, exact in enumerate(thresholds):
        for digits in range(1, _MOST_DIGITS):
            tried = [*thresholds[:place], float(f"{exact:.{digits}g}"), *thresholds[place + 1 :]]
            if np.mean(_predict(_with(tree, iter(tried)), features) == labels) >= least:
                thresholds = tried
                break
    return _with(tree, iter(thresholds))


def _thresholds(tree: _Split | int) -> list[float]:
    """Of a tree, from the root on."""
    if isinstance(tree, int):
        return []
    return [tree.question.threshold, *_thresholds(tree.yes), *_thresholds(tree.no)]


def _with(tree: _Split | int, thresholds: Iterator[float]) -> _Split | int:
    """The tree with other thresholds, in the order of _thresholds."""
    if isinstance(tree, int):
        return tree
    threshold = next(thresholds)
    asked = tree.question if tree.question.word is not None else tree.question.at(threshold)
    yes = _with(tree.yes, thresholds)
    return _Split(asked, yes, _with(tree.no, thresholds))


def _merged(tree: _Split | int) -> _Split | int:
    """The tree without questions whose answers lead to the same segment."""
    if isinstance(tree, int):
        return tree
    yes, no = _merged(tree.yes), _merged(tree.no)
    return yes if isinstance(yes, int) and yes == no else _Split(tree.question, yes, no)


def _leaves(tree: _Split | int, path: Path = ()) -> Iterator[tuple[Path, int]]:
    if isinstance(tree, int):
        yield path, tree
        return
    yield from _leaves(tree.yes, (*path, (tree.question, True)))
    yield from _leaves(tree.no, (*path, (tree.question, False)))


def _judged(
    tree: _Split | int, table: Table, labels: Labels, held_out: npt.NDArray[np.int64], row_count: int
) -> Surrogate:
    actual, predicted = labels[held_out], _predict(tree, table.features[held_out])
    largest = np.unique_counts(labels)
    most = largest.values[largest.counts.argmax()]
    rules = sorted(
        (_rule(path, position, table, labels, held_out) for path, position in _leaves(tree)),
        key=lambda rule: (rule.position, -rule.share),
    )
    return Surrogate(
        rules=tuple(rules),
        fidelity=float(np.mean(actual == predicted)),
        guessing=float(np.mean(actual == most)),
        agreements=tuple(_agreement(int(position), actual, predicted) for position in largest.values),
        row_count=row_count,
        held_out_count=len(held_out),
    )


def _rule(path: Path, position: int, table: Table, labels: Labels, held_out: npt.NDArray[np.int64]) -> SurrogateRule:
    inside = np.ones(len(table), dtype=bool)
    for question, answer in path:
        inside &= question.holds(table.features) == answer
    tested = labels[held_out][inside[held_out]]
    precision = float(np.mean(tested == position)) if len(tested) else None
    return SurrogateRule(position, when_of(path), text_of(path), float(inside.mean()), precision)


def _agreement(position: int, actual: Labels, predicted: Labels) -> Agreement:
    is_it, is_said = actual == position, predicted == position
    both = int((is_it & is_said).sum())
    return Agreement(
        position=position,
        count=int(is_it.sum()),
        precision=both / int(is_said.sum()) if is_said.any() else None,
        recall=both / int(is_it.sum()) if is_it.any() else None,
    )


def to_evaluation(surrogate: Surrogate, keys: Mapping[int, str]) -> dict[str, object]:
    """The figures as evaluation.json has them.

    Args:
        surrogate: of a segmentation.
        keys: of its segments, by position; NO_SEGMENT may be absent.
    """
    return {
        "fidelity": surrogate.fidelity,
        "guessing": surrogate.guessing,
        "held_out_count": surrogate.held_out_count,
        "rules": [
            {
                "segment": keys.get(rule.position),
                "text": rule.text,
                "when": rule.when,
                "share": rule.share,
                "precision": rule.precision,
            }
            for rule in surrogate.rules
        ],
        "segments": [
            {"segment": keys.get(a.position), "count": a.count, "precision": a.precision, "recall": a.recall}
            for a in surrogate.agreements
        ],
    }
