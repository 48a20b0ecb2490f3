"""Labelled sentences, and heads fitted on them once."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from training.texts.fit import TextHead, fit_text
from training.texts.order import SENTIMENT, TOPIC, TextOrder

FILE = Path(__file__).parents[4] / "shared" / "data" / "sentiment_labelled_sentences.zip"
SITES = ("amazon_cells", "imdb", "yelp")
TONE = TextOrder("tone", "the tone of a review", SENTIMENT, "", "text", "label", "1", (), "review")
SITE = TextOrder("site", "where a review stood", TOPIC, "", "text", "label", "", SITES, "review")


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences, whether each is positive, and the site that each is from."""

    texts: list[str]
    tones: list[str]
    sites: list[str]


@pytest.fixture(scope="session")
def sentences() -> Sentences:
    """3,000 sentences of reviews (UCI 331)."""
    if not FILE.exists():
        pytest.skip("the labelled sentences are not there: ../shared/data/sentiment_labelled_sentences.zip")
    found = Sentences([], [], [])
    with zipfile.ZipFile(FILE) as archive:
        for site in SITES:
            lines = archive.read(f"sentiment labelled sentences/{site}_labelled.txt").decode().split("\n")
            for line in filter(str.strip, lines):
                text, tone = line.rsplit("\t", 1)
                found.texts.append(text)
                found.tones.append(tone.strip())
                found.sites.append(site)
    return found


@pytest.fixture(scope="session")
def tone(sentences: Sentences) -> TextHead:
    """A sentiment, fitted on all of them."""
    return fit_text(TONE, sentences.texts, sentences.tones, seed=0)


@pytest.fixture(scope="session")
def site() -> TextHead:
    """A topic, fitted on a few made sentences."""
    texts = [
        f"{word} number{i % 7}"
        for i in range(20)
        for word in ("battery charger works", "film actor plot", "food waiter table")
    ]
    return fit_text(SITE, texts, SITES * 20, seed=0)
