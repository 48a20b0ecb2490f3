"""How often a text head is right about sentences that it was not fitted on, and whether its graph says the same."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from tests.benchmarks.figures import Figure
from tests.benchmarks.spread import spread
from tests.benchmarks.training.comparison import HELD_OUT, largest
from tests.benchmarks.training.refusals import left_out
from tests.training.texts.reviews import FILE, SITE, TONE, Sentences, read_reviews
from training.export.texts import TextScorer
from training.texts.fit import EDGE_TEXTS, TextHead, fit_text

NAMES: Final = ("sentences_accuracy", "parity_texts_sentiment", "parity_texts_topic")
_SEED: Final = 0


def measure(data: Path) -> Iterator[Figure]:
    """Accuracy over five folds, and the parity of both kinds of heads."""
    file = data / FILE.name
    if not file.exists():
        return left_out(NAMES, f"{file.name} is not in {data}")
    return _figures(read_reviews(file))


def _figures(reviews: Sentences) -> Iterator[Figure]:
    head = fit_text(TONE, reviews.texts, reviews.tones, _SEED)
    figures = head.evaluation["figures"]
    assert isinstance(figures, dict)
    note = f"{head.evaluation['method']}; {head.evaluation['split']} of {len(reviews.texts):,} sentences"
    yield Figure(NAMES[0], "", spread([figures["accuracy"]]), note)
    for name, order, labels in ((NAMES[1], TONE, reviews.tones), (NAMES[2], SITE, reviews.sites)):
        yield _parity(name, fit_text(order, reviews.texts[::2], labels[::2], _SEED), reviews.texts[1::2])


def _parity(name: str, head: TextHead, others: list[str]) -> Figure:
    """Fitted on every other sentence, compared on the rest, alone and several together, and on texts at the edges."""
    drawn = random.Random(_SEED)  # noqa: S311  # no secret
    made = [" ".join(drawn.choices(others, k=drawn.randint(2, 9))) for _ in range(HELD_OUT - len(others))]
    texts = [*others, *made, *EDGE_TEXTS]
    actual, expected = TextScorer(head.graph).scores(texts), head.scores(texts)
    difference = largest(actual, expected, np.zeros(len(texts), np.bool_))
    note = f"{len(others):,} sentences, {len(made):,} put together of them, {len(EDGE_TEXTS)} edge texts"
    return Figure(name, "", spread([difference]), note)
