"""Labelled sentences, and heads fitted on them once."""

import pytest

from tests.training.texts.reviews import FILE, SITE, SITES, TONE, Sentences, read_reviews
from training.texts.fit import TextHead, fit_text


@pytest.fixture(scope="session")
def sentences() -> Sentences:
    """3,000 sentences of reviews (UCI 331)."""
    if not FILE.exists():
        pytest.skip("the labelled sentences are not there: ../shared/data/sentiment_labelled_sentences.zip")
    return read_reviews()


@pytest.fixture(scope="session")
def tone(sentences: Sentences) -> TextHead:
    """A sentiment, fitted on all of them."""
    return fit_text(TONE, sentences.texts, sentences.tones, seed=0)


@pytest.fixture(scope="session")
def site() -> TextHead:
    """A topic, fitted on a few made sentences."""
    texts = [
        f"{word} number{i % 12}"
        for i in range(20)
        for word in ("battery charger works", "film actor plot", "food waiter table")
    ]
    return fit_text(SITE, texts, SITES * 20, seed=0)
