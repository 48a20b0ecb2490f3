import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tokens import LONGEST_TEXT, LONGEST_TOKEN, MOST_TOKENS, joined, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n?!...", []),
        ("Great phone, 10/10", ["great", "phone", "10", "10"]),
        ("snake_case well-made", ["snake", "case", "well", "made"]),
        ("It's the dog\u2019s", ["it's", "the", "dog's"]),
        ("I DON'T, can\u2019t", ["i", "do", "n't", "ca", "n't"]),
        ("caf\u00e9 cafe\u0301 stra\u00dfe", ["caf\u00e9", "caf\u00e9", "strasse"]),
        ("\uff27\uff2f\uff2f\uff24 \ufb01ne", ["good", "fine"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940\u0964", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),
        ("\u826f\u3044\u3067\u3059\u3002", ["\u826f", "\u3044", "\u3067", "\u3059"]),
        ("\U0001f44d\U0001f3fdgood\u2764\ufe0f", ["\U0001f44d", "good", "\u2764"]),
        ("lone\ud800surrogate\x00zero", ["lone", "surrogate", "zero"]),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    """Words whole in every script, small, composed; symbols alone; the English n't apart; nothing of the rest."""
    assert tokens(text) == expected


def test_bounds() -> None:
    """However long the text, few tokens of it are read, and what is too long for a word is left out."""
    assert len(tokens("a " * LONGEST_TEXT)) == MOST_TOKENS
    assert tokens("x" * (LONGEST_TOKEN + 1) + " y") == ["y"]
    assert tokens(" " * LONGEST_TEXT + "late") == []


@given(st.text())
def test_joined_can_be_parted(text: str) -> None:
    """No token is empty or holds a space, all of them can be written as UTF-8, and reading them again changes none."""
    found = tokens(text)
    assert joined(text).split(" ") == (found or [""])
    assert joined(text).encode().decode() == joined(text)
    assert tokens(joined(text)) == found


@given(st.text())
def test_same_text_same_tokens(text: str) -> None:
    """What Unicode holds to be the same text has the same tokens."""
    assert tokens(unicodedata.normalize("NFD", text)) == tokens(unicodedata.normalize("NFC", text))
