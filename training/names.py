"""Names of segments: what sets one apart, in words a marketer uses."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.errors import NotTrained
from training.features import Features, FeatureSpec
from training.heads import Labels
from training.segmentations.shaping import Shaping

_LEAST_EFFECT = 0.35  # standard deviations that make a difference worth a word (assumed)
_WORDS = 2
_TRAITS = 5


class BadNames(NotTrained):
    """The file of names cannot be used. The text says why."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One feature in which a segment differs from the population; see bundle.proto."""

    spec: FeatureSpec
    mean: float
    population_mean: float
    effect: float

    @property
    def words(self) -> str:
        """How a marketer says it, "" when the difference is small or has no words."""
        if abs(self.effect) < _LEAST_EFFECT:
            return ""
        return self.spec.high if self.effect > 0 else self.spec.low


def traits(
    features: Features, labels: Labels, position: int, shaping: Shaping, specs: Sequence[FeatureSpec]
) -> list[Trait]:
    """What sets a segment apart among the features that define it, strongest first; nothing where nobody is in it."""
    inside = labels == position
    if not inside.any():
        return []
    effects = shaping.apply(features)[inside].mean(axis=0)
    order = np.argsort(-np.abs(effects), kind="stable")
    return [_trait(features[:, shaping.columns[i]], inside, specs[shaping.columns[i]], effects[i]) for i in order]


def _trait(values: Features, inside: npt.NDArray[np.bool_], spec: FeatureSpec, effect: float) -> Trait:
    wide = values.astype(np.float64)
    return Trait(spec, float(wide[inside].mean()), float(wide.mean()), float(effect))


def strongest(all_traits: Sequence[Trait]) -> Sequence[Trait]:
    """The traits that the manifest keeps."""
    return all_traits[:_TRAITS]


def name_segments(traits_by_segment: Sequence[Sequence[Trait]], given: Mapping[int, str]) -> list[str]:
    """A name for each segment, distinct: its strongest words, more of them where two would be called the same.

    Args:
        traits_by_segment: by the segment's position, strongest first.
        given: names that segments have already, by position; they stay.

    Raises:
        BadNames: two segments were given the same name.
    """
    taken = set(given.values())
    if len(taken) != len(given):
        raise BadNames(f"two segments are called the same: {sorted(given.values())}; give each its own name")
    names = dict(given)
    for position, segment in enumerate(traits_by_segment):
        if position not in names:
            names[position] = next(name for name in _candidates(segment) if name not in taken)
            taken.add(names[position])
    return [names[position] for position in range(len(traits_by_segment))]


def _candidates(segment: Sequence[Trait]) -> Iterator[str]:
    words = [trait.words for trait in segment if trait.words] or ["Average shoppers"]
    for length in range(min(_WORDS, len(words)), len(words) + 1):
        yield _join(words[:length])
    for number in itertools.count(2):
        yield f"{_join(words[:_WORDS])} ({number})"


def _join(words: Sequence[str]) -> str:
    return ", ".join([words[0], *(word[0].lower() + word[1:] for word in words[1:])])


def read_names(path: Path | None) -> Mapping[str, str]:
    """Names that people gave, by segment key: a TOML file of lines such as "customer_value-1-2" = "Regulars".

    Raises:
        BadNames: the file cannot be read or holds something else.
    """
    if path is None:
        return {}
    try:
        names = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadNames(f"the names in {path} cannot be read: {error}") from error
    wrong = [key for key, name in names.items() if not isinstance(name, str) or not name.strip()]
    if wrong:
        raise BadNames(f'{path}: {wrong[0]!r} needs a name in quotes, such as "{wrong[0]}" = "Regulars"')
    return names
