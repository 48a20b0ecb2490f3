"""A text's tokens, the same wherever a text is read: in training, and in a server that has a text to score."""

import re
import unicodedata
from typing import Final

LONGEST_TEXT: Final = 10_000  # characters that are read; a review has some hundreds
LONGEST_TOKEN: Final = 64  # characters; what is longer is no word, and is left out
MOST_TOKENS: Final = 1_000

# Scripts that put no spaces between words (Thai, Lao, Burmese, Khmer, kana, Han): each character is a token.
_ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
# Symbols that people speak with; what only joins or colours them is not kept.
_SYMBOLS = "\u2600-\u27bf\u2b00-\u2bff\U0001f1e6-\U0001f3fa\U0001f400-\U0001faff"
_UNSEEN = dict.fromkeys([*range(0x1F3FB, 0x1F400), *range(0xFE00, 0xFE10), 0x200B, 0x200C, 0x200D, 0x00AD, 0x2060])
_APOSTROPHES = str.maketrans("\u2019\u2018\u02bc", "'''")
# Accents and vowel signs belong to the letter before them, though Python's \w leaves them out: those of Latin, Greek
# and Cyrillic, of Hebrew and Arabic, and the scripts of India, whose blocks are letters and signs but for the danda.
_SIGNS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf-\u05c2\u05c4-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0966-\u0df3"
)
_LETTER = f"(?:(?![_{_ALONE}])[\\w{_SIGNS}])"
_TOKEN = re.compile(f"{_LETTER}+(?:'{_LETTER}+)*|[{_ALONE}]|[{_SYMBOLS}]")
_NEGATION = re.compile(r"(?<=[a-z])n't\b")


def tokens(text: str) -> list[str]:
    """The text's words and symbols, in their order, in small letters.

    No token is empty or holds a space, so they can be joined by spaces and parted again. What Unicode holds to be the
    same (NFKC: full-width letters, ligatures, composed accents) is the same token. The English n't is a token of its
    own, as in the Penn Treebank, so that what it negates is one word with and without it.

    Args:
        text: any; only the first LONGEST_TEXT characters are read, and the first MOST_TOKENS tokens are given.
    """
    small = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).casefold()
    same = unicodedata.normalize("NFKC", small).translate(_UNSEEN).translate(_APOSTROPHES)
    found = _TOKEN.findall(_NEGATION.sub(" n't", same))
    return [token for token in found if len(token) <= LONGEST_TOKEN][:MOST_TOKENS]


def joined(text: str) -> str:
    """The text's tokens with a space between two of them, as the graph of a text head reads them; "" for none."""
    return " ".join(tokens(text))
