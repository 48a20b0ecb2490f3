"""The way through a tree to one of its leaves, told as one condition."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.features import Features, FeatureSpec
from training.segmentations.expressions import Truths, Values
from training.segmentations.language import named


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a number is at most a threshold, or a category is not some word.

    Attributes:
        column: of the feature.
        spec: of the feature.
        threshold: yes is at most this.
        word: position of a word of the category, None for a number.
    """

    column: int
    spec: FeatureSpec
    threshold: float
    word: int | None = None

    def at(self, threshold: float) -> "Question":
        """The same with another threshold."""
        return replace(self, threshold=threshold)

    def answers(self, features: Features) -> Features:
        """What is compared with the threshold, shape (n,): the number, or 1 where the category is the word."""
        values = features[:, self.column]
        return values if self.word is None else (values == self.word).astype(np.float32)

    def holds(self, features: Features) -> Truths:
        """Where the answer is yes, shape (n,); the threshold counts as float32, as it does in a condition."""
        wide: Values = self.answers(features).astype(np.float64)
        return wide <= float(np.float32(self.threshold))


Path = tuple[tuple[Question, bool], ...]
_Range = tuple[float | None, float | None]  # more than, at most


def when_of(path: Path) -> str:
    """The path as a condition of training.segmentations.language, "" for one without questions."""
    parts = [_numbers(named(spec.name), ends, "") for spec, ends in _ranges(path)]
    parts += [_words(named(spec.name), spec, answers) for spec, answers in _categories(path)]
    return " and ".join(parts)


def text_of(path: Path) -> str:
    """The path for people: names, numbers with their units, and words."""
    parts = [_numbers(spec.name, ends, f" {spec.unit}" if spec.unit else "") for spec, ends in _ranges(path)]
    parts += [_words(spec.name, spec, answers) for spec, answers in _categories(path)]
    return " and ".join(parts) or "everybody"


def _ranges(path: Path) -> list[tuple[FeatureSpec, _Range]]:
    """What the path says of each number, in the order in which it first asks."""
    ranges: dict[int, tuple[FeatureSpec, _Range]] = {}
    for question, answer in path:
        if question.word is None:
            _, (low, high) = ranges.get(question.column, (question.spec, (None, None)))
            if answer:
                high = question.threshold if high is None else min(high, question.threshold)
            else:
                low = question.threshold if low is None else max(low, question.threshold)
            ranges[question.column] = question.spec, (low, high)
    return list(ranges.values())


def _numbers(name: str, ends: _Range, unit: str) -> str:
    low, high = ends
    if low is None:
        return f"{name} <= {high:.15g}{unit}"
    if high is None:
        return f"{name} > {low:.15g}{unit}"
    return f"{low:.15g} < {name} <= {high:.15g}{unit}"


def _categories(path: Path) -> list[tuple[FeatureSpec, Mapping[int, bool]]]:
    """What the path says of each category: of each word whether it is the one."""
    categories: dict[int, tuple[FeatureSpec, dict[int, bool]]] = {}
    for question, answer in path:
        if question.word is not None:
            _, words = categories.setdefault(question.column, (question.spec, {}))
            words[question.word] = not answer
    return list(categories.values())


def _words(name: str, spec: FeatureSpec, answers: Mapping[int, bool]) -> str:
    chosen = [spec.vocabulary[word] for word, is_it in answers.items() if is_it]
    others = [spec.vocabulary[word] for word, is_it in answers.items() if not is_it]
    if chosen:
        return f"{name} == {_quoted(chosen)[0]}"
    if len(others) == 1:
        return f"{name} != {_quoted(others)[0]}"
    return f"{name} not in [{', '.join(_quoted(others))}]"


def _quoted(words: Sequence[str]) -> list[str]:
    return [json.dumps(word, ensure_ascii=False) for word in words]
