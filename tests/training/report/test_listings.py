from training.report.listings import listings
from training.report.part import Part


def test_flat_records_are_one_table() -> None:
    """A column for each name that any record has, a dash where one has none."""
    (table,) = listings(
        [Part({"words": ["home", "basket"], "rate": 0.125}), Part({"words": ["home"], "q_value": 0.04})]
    )
    assert table.columns == ["Steps", "Rate", "q-value"]
    assert table.rows == [["home \N{RIGHTWARDS ARROW} basket", "12.5%", "\N{EN DASH}"], ["home", "\N{EN DASH}", "0.04"]]


def test_records_of_records_are_a_table_each() -> None:
    """Several searches for journeys have their own tables, under their titles."""
    first, second = listings(
        [Part({"title": "to a purchase", "found": [{"share": 0.5}]}), Part({"x": [{"count": 1234}]})]
    )
    assert (first.title, first.columns, first.rows) == ("to a purchase", ["Share"], [["50.0%"]])
    assert (second.title, second.rows) == ("", [["1,234"]])


def test_no_records_no_tables() -> None:
    """Nothing is shown of nothing."""
    assert listings([]) == []
