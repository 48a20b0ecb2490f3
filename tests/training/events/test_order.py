import pytest

from tests.training.events.generated import FILE, order_of
from training.configuration.section import BadConfig
from training.events.order import mentioned

COUNT = {"one": "function = 'count', window_days = 1"}


def test_whole() -> None:
    """A file's tables become what is to be read and computed; times are milliseconds."""
    file = FILE.replace("[dates]", 'since = 2024-01-01T00:00:00+01:00\nfiles = { a = "a.csv" }\n[dates]')
    order = order_of(COUNT, file + "first = 2024-02-01T00:00:00Z\n")
    assert order.log.since_ms == 1704063600000
    assert order.log.until_ms is None
    assert dict(order.log.files) == {"a": "a.csv"}
    assert order.dates.first_ms == 1706745600000
    assert mentioned(order) == {"dates": {"kind"}, "features ('one')": frozenset()}


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        ("[data]", "[records]", r"data is needed, a table \[data\]"),
        ("[dates]", "[when]", r"dates is needed, a table \[dates\]"),
        ("every_days = 5", "", "dates: every_days is needed"),
        ("every_days = 5", "every_days = 0", "dates: every_days is needed"),
        ("window_days = 28", "window_days = 0", "dates: window_days is needed"),
        ("kind <> 'other'", "kind <>", "dates: where: .* is no SQL expression"),
        ("window_days = 28", "window_days = 28\nwindows = 1", "windows means nothing here"),
        ('query = "FROM generated"', "", "data: query is needed"),
        ("Europe/London", "Europe/Londinium", "data: time_zone is 'Europe/Londinium'"),
        ("Europe/London", "../../etc", "data: time_zone is"),
        ('shape = "events"', 'shape = "rows"', "data: shape is 'rows'; needed is one of events"),
        (
            'title = "generated"',
            'title = "a"\nsince = 2024-01-02T00:00:00Z\nuntil = 2024-01-01T00:00:00Z',
            "since is not",
        ),
        (
            "every_days = 5",
            "every_days = 5\nfirst = 2024-01-02T00:00:00Z\nlast = 2024-01-01T00:00:00Z",
            "first is after",
        ),
        ("every_days = 5", "every_days = 5\nlast = 2024-01-01T00:00:00", "last is .* needed is a date and time with"),
    ],
)
def test_mistakes(found: str, instead: str, said: str) -> None:
    """A key that is absent, wrong or unknown is named, with what would be right."""
    assert found in FILE
    with pytest.raises(BadConfig, match=said):
        order_of(COUNT, FILE.replace(found, instead))


def test_features_have_names_of_their_own() -> None:
    """No features are refused, and so are two of one name, whatever their case."""
    with pytest.raises(BadConfig, match=r"needed is at least one \[\[features\]\]"):
        order_of({})
    with pytest.raises(BadConfig, match="one is there twice"):
        order_of(COUNT | {"One": COUNT["one"]})
