"""The TOML file: what is wrong in it is said by its place."""

from pathlib import Path

import pytest

from tests.training.imports.graphs import NUMBERS, PROPENSITY, segments, value
from training.configuration.section import BadConfig
from training.imports.order import read_order

GOOD = 'model = "shop"\n' + NUMBERS + PROPENSITY + 'output = "y"\n'
Y = 'output = "y"\n'
STAGES = segments('segment = {output = "y"}')


def _read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "model.toml"
    path.write_text(text, encoding="utf-8")
    return read_order(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"shop"', "", "model.toml, line 1, column 9: this is no TOML: Invalid value"),
        ('model = "shop"', "", 'model is needed, such as model = "…"'),
        ('"shop"', '"My Shop"', "model is 'My Shop'; needed is 1 to 64 of a-z, 0-9, - and _, such as 'churn'"),
        ('"shop"', "3", "model is 3; needed is a text in quotes"),
        ('"shop"', '"shop"\nrow = "r.csv"', "row means nothing here; did you mean rows?"),
        ('"shop"', '"shop"\ntraining = 3', "training is 3; needed is a table"),
        ('"shop"', '"shop"\ntraining = {data = "x"}', "training: until and visitors are needed"),
        ('"shop"', '"shop"\ntraining = {until = 2026-10-01}', "training: until is datetime.date(2026, 10, 1); needed"),
        ('"recency_days"', '"Recency"', "features: feature 'Recency' must be 1 to 64 of a-z, 0-9 and _"),
        ('"visits"', '"recency_days"', "features: the schema names a feature twice: ['recency_days']"),
        ('name = "visits"', "", "features[1]: name is needed"),
        ("maximum = 90", 'maximum = "90"', "features[0] ('recency_days'): maximum is '90'; needed is a number"),
        ("maximum = 90", "maximum = true", "features[0] ('recency_days'): maximum is True; needed is a number"),
        ("maximum = 90", "maximum = inf", "features[0] ('recency_days'): maximum is inf; needed is a number"),
        ("maximum = 90", "maximum = -1", "features[0] ('recency_days'): minimum is 0, above maximum, -1"),
        ("maximum = 90", "maximun = 90", "features[0] ('recency_days'): maximun means nothing here; did you mean ma"),
        ("default = 30", "default = 91", "feature 'recency_days' has the default 91, outside its range 0 to 90"),
        ('"category"', '"words"', "features[2] ('device'): kind is 'words'; needed is one of number, category"),
        ('vocabulary = ["phone", "tablet", "desktop"]', "", "features[2] ('device'): vocabulary is needed, such as"),
        ('"phone", "tablet"', '"phone", 3', "vocabulary is ['phone', 3, 'desktop']; needed is texts in brackets"),
        ('default = "phone"', 'default = "tv"', "default is 'tv'; needed is a word of the vocabulary"),
        ('other = "desktop"', 'other = "tv"', "the word for others of 'device', 'tv', is not in its vocabulary"),
        ('kind = "category"', 'kind = "category"\nunit = "USD"', "features[2] ('device'): unit means nothing here"),
        ('kind = "propensity"', 'kind = "lift"', "heads[0] ('buys_7d'): kind is 'lift'; needed is one of segmenta"),
        ("horizon_days = 7", "", "heads[0] ('buys_7d'): horizon_days is needed, more than 0"),
        (Y, "", "heads[0] ('buys_7d'): output is needed"),
        (Y, 'output = "y"\ncolumn = -1', "column is -1; needed is a whole number from 0"),
        (Y, 'output = "y"\napply = "relu"', "apply is 'relu'; needed is one of sigmoid, softmax, exp"),
        (Y, Y + PROPENSITY + Y, "heads: the names ['buys_7d', 'buys_7d'] are no"),
        (PROPENSITY + Y, "", "heads: there is none; needed is at least one [[heads]]"),
        (Y, Y + value("v", "y").replace('unit = "USD"', ""), "heads[1] ('v'): unit is needed"),
        (Y, Y + segments(""), "heads[1] ('stage'): needed is segment = {output = "),
        (Y, Y + STAGES.replace('"Loyal"', '"New"'), "two segments have the same name: ['New'"),
        (Y, Y + segments('segment = {output = "y", apply = "exp"}'), "heads[1] ('stage').segment: apply means nothing"),
        (Y, Y + STAGES.split("[[heads.segments]]")[0], "segments is needed: a [[heads.segme"),
        (Y, Y + segments('segment = {output = "y"}', "label = 1"), "either each has a label"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Whatever is absent, of a wrong type, out of range or misspelt is said, with its place and what would be right."""
    assert old in GOOD
    with pytest.raises(BadConfig) as caught:
        _read(tmp_path, GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'model.toml'}")
    assert message in str(caught.value)


def test_good_file(tmp_path: Path) -> None:
    """The file that all of these differ from is read."""
    assert _read(tmp_path, GOOD)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is said to be absent."""
    with pytest.raises(BadConfig, match=r"absent\.toml cannot be read: .*No such file"):
        read_order(tmp_path / "absent.toml")
