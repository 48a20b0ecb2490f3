import pytest

from tests.training.events.generated import label_of, order_of
from training.configuration.section import BadConfig
from training.events.feature import FUNCTIONS, EventFeature
from training.features import FeatureSpec

WINDOW = ", window_days = 28"


def _read(said: str) -> EventFeature:
    return order_of({"one": said}).features[0]


@pytest.mark.parametrize(
    ("said", "spec", "default"),
    [
        ("function = 'count'" + WINDOW, FeatureSpec(name="one", description="of one"), 0),
        (
            "function = 'since_last'" + WINDOW,
            FeatureSpec(name="one", description="of one", unit="days", maximum=28),
            28,
        ),
        (
            "function = 'share', part = 'hour < 5'" + WINDOW,
            FeatureSpec(name="one", description="of one", unit="share", maximum=1),
            0,
        ),
        (
            "function = 'trend', recent_days = 7" + WINDOW,
            FeatureSpec(name="one", description="of one", unit="ratio", minimum=None, maximum=4),
            1,
        ),
        ("function = 'sum', of = 'spend'" + WINDOW, FeatureSpec(name="one", description="of one", minimum=None), 0),
        (
            "function = 'mean', of = 'spend', unit = 'EUR', minimum = 0, maximum = 9, skewed = true, high = 'Big',"
            " low = 'Small', default = 2" + WINDOW,
            FeatureSpec(
                name="one", description="of one", unit="EUR", maximum=9, is_skewed=True, high="Big", low="Small"
            ),
            2,
        ),
        (
            "function = 'last', of = 'word', vocabulary = ['a', 'b'], default = 'b'" + WINDOW,
            FeatureSpec(name="one", description="of one", vocabulary=("a", "b")),
            1,
        ),
    ],
    ids=["count", "since_last", "share", "trend", "sum", "mean", "last"],
)
def test_specs(said: str, spec: FeatureSpec, default: float) -> None:
    """A feature says its unit, range, words and default, and has those of its function where the file says none."""
    feature = _read(said)
    assert feature.spec == spec
    assert feature.default == default


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("function = 'median'", "function is 'median'; needed is one of count, sum"),
        ("function = 'count'", "window_days is absent; needed is a number of days above 0"),
        ("function = 'count', window_days = -1", "window_days is -1.0; needed is"),
        ("function = 'decayed_count'", "half_life_days is absent"),
        ("function = 'decayed_count', half_life_days = 1" + WINDOW, "window_days means nothing here"),
        ("function = 'sum'" + WINDOW, "sum needs of ="),
        ("function = 'count', of = 'spend'" + WINDOW, "of means nothing here"),
        ("function = 'mean', of = 'spend'" + WINDOW, "mean of no events is nothing; needed is default"),
        ("function = 'mean', of = 'spend', minimum = 0, default = -1" + WINDOW, "default is -1, which is outside"),
        (
            "function = 'mean', of = 'sum(spend)', default = 0" + WINDOW,
            "of: 'sum\\(spend\\)' has SUM\\(spend\\); allowed",
        ),
        ("function = 'count', where = 'kind ='" + WINDOW, "where: 'kind =' is no SQL expression"),
        ("function = 'share'" + WINDOW, "a share needs part ="),
        ("function = 'trend', recent_days = 28" + WINDOW, "recent_days is 28; needed is less than window_days, 28"),
        ("function = 'sum', of = 'spend', skewed = true" + WINDOW, "skewed takes a logarithm"),
        ("function = 'count', skewed = 1" + WINDOW, "skewed is 1; needed is true or false"),
        ("function = 'count', minimum = 3, maximum = 2" + WINDOW, "minimum is 3 and maximum 2"),
        ("function = 'most_frequent', of = 'word'" + WINDOW, "most_frequent needs vocabulary"),
        ("function = 'last', of = 'w', vocabulary = ['a', 'a'], default = 'a'" + WINDOW, "vocabulary has a word twice"),
        (
            "function = 'last', of = 'w', vocabulary = ['a'], default = 'b'" + WINDOW,
            "default is 'b'; needed is one of a",
        ),
        ("function = 'since_first', where = 'ends < as_of'" + WINDOW, "there is as_of, which the first event"),
    ],
)
def test_mistakes(said: str, text: str) -> None:
    """A key that is absent, wrong or meaningless with the function is said by the feature's name and what is right."""
    with pytest.raises(BadConfig, match=r"features\[0\] \('one'\): " + text):
        _read(said)


def test_all_functions_are_known() -> None:
    """Each function reads with what it needs."""
    needs = {"share": "part = 'hour < 5', ", "trend": "recent_days = 7, ", "journey": "steps = ['a', 'b'], "}
    for function in FUNCTIONS:
        no_of = function in {"count", "decayed_count", "since_last", "since_first", "mean_gap", "share", "trend"}
        of = "" if no_of else "of = 'spend', default = 0, "
        if function == "most_frequent":
            of = "of = 'spend', default = 'a', vocabulary = ['a'], "
        time = "half_life_days = 1" if function.startswith("decayed") else "window_days = 28"
        assert _read(f"function = '{function}', {of}{needs.get(function, '')}{time}").function == function


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("function = 'all', within_days = 7", "function is 'all'; needed is one of any, count, sum"),
        ("function = 'any'", "within_days is needed"),
        ("function = 'sum', within_days = 7", "sum needs of ="),
        ("function = 'any', of = 'spend', within_days = 7", "of means nothing here"),
        ("function = 'any', where = '1; 2', within_days = 7", "where: '1; 2' is no SQL expression"),
    ],
)
def test_mistakes_of_labels(said: str, text: str) -> None:
    """A label that cannot be is said to be so by its place."""
    with pytest.raises(BadConfig, match=f"label: {text}"):
        label_of(said)
