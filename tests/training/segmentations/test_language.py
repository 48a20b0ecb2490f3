import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.features import Features, FeatureSpec
from training.segmentations.expressions import holds
from training.segmentations.grammar import BadExpression, check_grammar
from training.segmentations.language import named, read_condition

SPECS = (
    FeatureSpec(name="spend_84d", description="spend"),
    FeatureSpec(name="spend_28d", description="spend"),
    FeatureSpec(name="recency_days", description="recency"),
    FeatureSpec(name="28d_visits", description="visits"),
    FeatureSpec(name="main_daypart", description="daypart", vocabulary=("morning", "afternoon", "evening")),
)
POPULATION: Features = np.zeros((100, 5), dtype=np.float32)
POPULATION[:, 0] = np.arange(1, 101)
POPULATION[:, 1] = np.arange(100, 0, -1)
POPULATION[:, 3] = 1


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("spend_84 > 100", 0, "there is no feature 'spend_84'; did you mean spend_84d or spend_28d?"),
        ("spend_84d > 3 and recncy_days < 2", 18, "there is no feature 'recncy_days'; did you mean recency_days?"),
        ('"é" == main_daypart', 0, "main_daypart has no word 'é'; its words are morning, afternoon, evening"),
        ('main_daypart == "evning"', 16, "main_daypart has no word 'evning'; did you mean evening or morning?"),
        ("main_daypart > 3", 15, 'main_daypart is a category, to be compared with a word: main_daypart == "morning"'),
        ('main_daypart > "morning"', 0, "words have no order: compare main_daypart by ==, != or in"),
        ("main_daypart + 1 > 3", 0, "this is a category; needed is a number"),
        ("main_daypart == main_daypart", 16, "main_daypart is a category, to be compared with a word"),
        ('spend_84d == "evening"', 0, "only a category can be compared with a word; the categories are main_daypart"),
        ('"evening" < 3', 12, "this is a number; only a category can be compared with a word"),
        ("spend_84d", 0, "this is a number; needed is a condition, such as spend > 100"),
        ("not spend_84d", 4, "this is a number; needed is a condition"),
        ("spend_84d > 3 and 5", 18, "this is a number; needed is a condition"),
        ("(spend_84d > 3) + 1 > 2", 1, "this is a condition; needed is a number"),
        ("1 < 2", 0, "a condition needs a feature: without one it says the same of everybody"),
        ("spend_84d = 4", 10, "write == instead of ="),
        ("spend_84d > 4 && recency_days < 3", 14, "write and instead of &&"),
        ("spend_84d > 4 AND recency_days < 3", 14, "write and instead of AND"),
        ("spend_84d > 4 & recency_days < 3", 12, "numbers are joined by + - * /, and conditions by and, or"),
        ("spend_84d => 4", 10, "write >= instead of =>"),
        ("spend_84d > (4", 12, "this is not understood: '(' was never closed"),
        ("spend_84d is 4", 0, "is compares nothing here: write == for the same, != for another"),
        ("spend_84d ** 2 > 4", 0, "numbers are joined by + - * /"),
        ("~spend_84d > 4", 0, "write not for the opposite of a condition"),
        ("spend_84d > 4 # big", 14, "# is no part of the language"),
        ("spend_84d / 0 > 4", 12, "nothing can be divided by 0"),
        ("spend_84d > 1e999", 12, "this number is too large; the largest is 1e+300"),
        ("spend_84d > True", 12, "True is neither a number nor a word in quotes"),
        ("spend_84d > 3j", 12, "3j is neither a number nor a word in quotes"),
        ("spend_84d in 3", 13, "behind in stand words or numbers in brackets"),
        ("spend_84d in []", 13, "behind in stand words or numbers in brackets"),
        ("bnd(spend_84d, 3) > 2", 0, "there is no function 'bnd'; did you mean band?"),
        ("spend_84d.real > 2", 0, "this is no part of the language; there are and, or, not, comparisons"),
        ("[spend_84d > 1 for x in y]", 0, "this is no part of the language"),
        ("spend_84d > (lambda: 1)()", 12, "there is no function"),
        ("min > 2", 0, "min is a function: write min(spend, 10)"),
        ("min(spend_84d) > 2", 0, "min is written so: min(spend, 10)"),
        ("max(spend_84d, key=1) > 2", 0, "max is written so: max(spend, 10)"),
        ("between(spend_84d, 2)", 0, "between is written so: between(spend, 10, 20)"),
        ("band(spend_84d, 2.5) > 2", 16, "a whole number of bands from 2 to 10 is needed"),
        ("feature(spend_84d) > 2", 8, 'a name in quotes is needed: feature("7d_spend")'),
        ('feature("29d_visits") > 2', 8, "there is no feature '29d_visits'; did you mean 28d_visits"),
        ("spend_84d > top(10)", 16, "a share of the population is needed, more than 0% and less than 100%: top(10%)"),
        ("spend_84d > top(100%)", 16, "a share of the population is needed"),
        ("spend_84d > 10%", 14, "per cent stand only in top(10%) and bottom(10%); write 0.1 for 10 %"),
        ("spend_84d == top(10%)", 13, "a place in the population is compared by <, <=, > or >="),
        ("top(10%) > 3 * top(5%)", 15, "this is a threshold, which can only be compared with a number"),
        ("percentile(spend_84d) > 101", 24, "a percentile is compared with a number from 0 to 100"),
        ("percentile(spend_84d) > recency_days", 24, "a percentile is compared with a number from 0 to 100"),
        ("percentile(spend_84d) + 1 > 3", 0, "this is a percentile, which can only be compared with a number"),
    ],
)
def test_mistakes(text: str, column: int, reason: str) -> None:
    """A mistake is said in a sentence, with what is known, and a caret under where it is."""
    with pytest.raises(BadExpression) as caught:
        read_condition(text, SPECS)
    said, line, caret = str(caught.value).split("\n")
    assert reason in said
    assert line == f"  {text}"
    assert caret == f"  {' ' * column}^"


def test_a_caret_counts_characters() -> None:
    """Letters of several bytes before a mistake do not move the caret."""
    specs = (*SPECS[:4], FeatureSpec(name="main_daypart", description="", vocabulary=("früh", "spät")))
    with pytest.raises(BadExpression) as caught:
        read_condition('main_daypart in ["früh", "spät"] or spnd > 3', specs)
    _, line, caret = str(caught.value).split("\n")
    assert line[len(caret) - 1 :] == "spnd > 3"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "(" * 300,
        "spend_84d > " + "-" * 1900 + "1",
        "spend_84d > " + "9" * 2000,
        "spend_84d in [" + "1," * 600 + "]",
        "spend_84d > 1" + " + 1" * 60,
        "spend_84d > 1\0",
    ],
)
def test_nothing_and_too_much(text: str) -> None:
    """An empty text, and one that is too long, too deep or too wide, is refused in a sentence."""
    with pytest.raises(BadExpression, match=r"^[a-z].*"):
        read_condition(text, SPECS)


PIECES = [
    "spend_84d",
    "main_daypart",
    "top",
    "min",
    "in",
    "and",
    "not",
    "evening",
    "10",
    "1e9",
    "é",
    *"<>=!&|()[]{}:%#.,+*/\\ \n\"'",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text leads to any other error."""
    try:
        check_grammar(text)
        read_condition(text, SPECS)
    except BadExpression as error:
        said = str(error)
    else:
        said = "read"
    assert said


@pytest.mark.parametrize(
    ("text", "count", "thresholds"),
    [
        ("spend_84d > top(10%)", 10, ("top(10%) of spend_84d = 90",)),
        ("top(10%) < spend_84d", 10, ("top(10%) of spend_84d = 90",)),
        ("spend_84d >= top(10 %)", 11, ("top(10 %) of spend_84d = 90",)),
        ("spend_84d <= bottom(2.5%)", 3, ("bottom(2.5%) of spend_84d = 3",)),
        ("percentile(spend_84d) > 90", 10, ("percentile 90 of spend_84d = 90",)),
        ("20 < percentile(spend_84d) <= 90", 70, None),
        ("between(percentile(spend_84d), 20, 90)", 71, None),
        ("spend_84d * 2 + spend_28d > top(25%)", 25, ("top(25%) of spend_84d * 2 + spend_28d = 176",)),
        ("spend_84d > top(10%) and spend_28d > top(10%)", 0, None),
    ],
)
def test_places_in_the_population(text: str, count: int, thresholds: tuple[str, ...] | None) -> None:
    """Shares and percentiles are thresholds of the training population, and are said in numbers."""
    condition = read_condition(text, SPECS, POPULATION)
    assert holds(condition.truth, POPULATION).sum() == count
    if thresholds is not None:
        assert condition.thresholds == thresholds


def test_thresholds_are_of_the_training_population() -> None:
    """A threshold stays where training found it, whoever is looked at later."""
    truth = read_condition("spend_84d > top(10%)", SPECS, POPULATION).truth
    assert holds(truth, POPULATION + 1000).all()
    assert not holds(truth, POPULATION - 1000).any()


def test_of_several_lines() -> None:
    """A condition may have several lines, and says which columns it reads."""
    condition = read_condition('\n  feature("28d_visits") >= 1 and\n\tspend_84d > 99\n', SPECS)
    assert condition.text == 'feature("28d_visits") >= 1 and  spend_84d > 99'
    assert condition.columns == (0, 3)
    assert holds(condition.truth, POPULATION).sum() == 1


@pytest.mark.parametrize(
    ("name", "expected"), [("spend", "spend"), ("7d", 'feature("7d")'), ("class", 'feature("class")'), ("min", "min")]
)
def test_names_of_features(name: str, expected: str) -> None:
    """A feature is called by its name, in quotes where that is no word of the language; and so it is read."""
    assert named(name) == expected
    assert read_condition(f"{named(name)} > 3", [FeatureSpec(name=name, description="")]).columns == (0,)
