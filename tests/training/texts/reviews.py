"""Three thousand labelled sentences of reviews, and what is learnt of them."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from training.configuration.section import Section
from training.texts.order import read_text

FILE = Path(__file__).parents[4] / "shared" / "data" / "sentiment_labelled_sentences.zip"
SITES = ("amazon_cells", "imdb", "yelp")
TONE = read_text(
    Section({"name": "tone", "title": "the tone of a review", "kind": "sentiment", "column": "review"}, "texts[0]")
)
SITE = read_text(
    Section(
        {"name": "site", "title": "where a review stood", "kind": "topic", "classes": list(SITES), "column": "review"},
        "texts[1]",
    )
)


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences, whether each is positive, and the site that each is from."""

    texts: list[str]
    tones: list[str]
    sites: list[str]


def read_reviews(file: Path = FILE) -> Sentences:
    """The sentences (UCI 331), in their order.

    Raises:
        FileNotFoundError: they are not there.
    """
    found = Sentences([], [], [])
    with zipfile.ZipFile(file) as archive:
        for site in SITES:
            lines = archive.read(f"sentiment labelled sentences/{site}_labelled.txt").decode().split("\n")
            for line in filter(str.strip, lines):
                text, tone = line.rsplit("\t", 1)
                found.texts.append(text)
                found.tones.append(tone.strip())
                found.sites.append(site)
    return found
