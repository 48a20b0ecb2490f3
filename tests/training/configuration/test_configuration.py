"""The whole file: common parts are checked, the others handed on, and shipped ones found by name."""

from pathlib import Path

import pytest

from training.configuration.configuration import (
    SHIPPED,
    Configuration,
    find_configuration,
    read_configuration,
    shipped,
)
from training.configuration.section import BadConfig

GOOD = """\
[model]
name = "shop"
title = "Shop"
seed = 7
[data]
shape = "rows"
path = "visits.csv"
[[features]]
name = "visits"
kind = "number"
[[segmentations]]
name = "stage"
method = "kmeans"
[[outcomes]]
name = "buys"
kind = "propensity"
label = "bought"
positive = "yes"
methods = ["boosting"]
[judging]
fairness = ["gender"]
"""
ATTRIBUTE = """
[[attributes]]
name = "crm"
path = "crm.csv"
entity = "customer"
purpose = "personalization"
time = "since"
valid_days = 30
[[attributes.features]]
name = "tier"
"""


def _read(tmp_path: Path, text: str) -> Configuration:
    path = tmp_path / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return read_configuration(path)


def test_good(tmp_path: Path) -> None:
    """Common parts are values; segmentations, outcomes and judging are tables for others to read and finish."""
    configuration = _read(tmp_path, GOOD + ATTRIBUTE)
    assert (configuration.model.name, configuration.model.title, configuration.model.seed) == ("shop", "Shop", 7)
    assert configuration.rows is not None
    assert configuration.rows.sources["records"].path == "visits.csv"
    assert [feature.name for feature in configuration.features] == ["visits"]
    assert [(label.name, label.column, label.positive) for label in configuration.labels] == [("buys", "bought", "yes")]
    assert [attribute.purpose for attribute in configuration.attributes] == ["personalization"]
    assert configuration.events is None
    assert configuration.segmentations[0].text("method") == "kmeans"
    assert configuration.gates is None
    outcome = configuration.outcomes[0]
    assert outcome.texts("methods") == ("boosting",)
    assert outcome.text("kind") == "propensity"
    outcome.finish()  # name, label and positive were asked for before


def test_events(tmp_path: Path) -> None:
    """Data of events are handed on whole: their data, features and dates, and nothing else."""
    text = GOOD.replace('shape = "rows"\npath = "visits.csv"', 'shape = "events"\nquery = "SELECT 1"')
    configuration = _read(tmp_path, text + "[dates]\nevery_days = 7\n")
    assert configuration.rows is None
    assert configuration.features == ()
    assert configuration.labels == ()
    assert configuration.events is not None
    assert configuration.events.names() == ("data", "features", "dates")
    data = configuration.events.table("data")
    assert data is not None
    assert data.text("query") == "SELECT 1"
    data.finish()  # shape was asked for before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('[model]\nname = "shop"\ntitle = "Shop"\nseed = 7\n', "", "shop.toml: [model] is needed, a table that begins"),
        ('name = "shop"', 'name = "My shop"', "shop.toml, line 2: model: name is 'My shop'; needed is 1 to 64 of a-z,"),
        ("seed = 7", "sed = 7", "shop.toml, line 4: model: sed means nothing here; did you mean seed?"),
        ('shape = "rows"', 'shape = "table"', "line 6: data: shape is 'table'; needed is one of rows, events"),
        ('shape = "rows"\n', "", "shop.toml, line 5: data: shape is needed"),
        ('path = "visits.csv"', "", "shop.toml, line 5: data: path is needed, such as path = "),
        ('path = "visits.csv"', 'path = "a.zip"', "line 5: data: member is needed with a .zip"),
        ('"visits.csv"', '"visits.csv"\ndelimiter = "ab"', "line 8: data: delimiter is 'ab'; needed is one character"),
        ('"visits.csv"', '"visits.csv"\nencoding = "x"', "line 8: data: encoding is 'x'; needed is one such as 'utf-8"),
        ('"visits.csv"', '"visits.csv"\ntime_zone = "Mars"', "line 8: data: time_zone is 'Mars'; needed is a name suc"),
        ('"visits.csv"', '"visits.csv"\ntable = "t"', "line 8: data: table means nothing for a file of the format csv"),
        ('"visits.csv"', '"visits.duckdb"', "line 5: data: table is needed with a database"),
        ("[judging]", "[juging]", "shop.toml, line 20: juging means nothing here; did you mean judging?"),
        ('name = "visits"', 'name = "Visits"', "line 9: features[0] ('Visits'): name is 'Visits'; needed is 1 to 64"),
        ('kind = "number"', 'kind = "number"\nminimum = 3\nmaximum = 1', "line 11: features[0] ('visits'): minimum is"),
        ('kind = "number"', 'kind = "number"\nvocabulary = ["a"]', "line 10: features[0] ('visits'): kind is 'number'"),
        ('kind = "number"', 'kind = "category"\nvocabulary = ["a", "a"]', "line 11: features[0] ('visits'): vocabular"),
        ('kind = "number"', 'kind = "category"\nskewed = true', "kind is 'category', which has no minimum or maximum"),
        ('kind = "number"', "skewed = 1", "line 10: features[0] ('visits'): skewed is 1; needed is true or false"),
        ('name = "buys"', 'name = "stage"', "line 15: outcomes[0] ('stage'): name is 'stage', which another head has"),
        ('name = "buys"', 'name = "Buys!"', "line 15: outcomes[0] ('Buys!'): name is 'Buys!'; needed is 1 to 64 of a"),
        ('"visits"\n', '"visits"\ncolumn = "bought"\n', "line 18: outcomes[0] ('buys'): label is 'bought', the column"),
        ('label = "bought"', "label = {of = 1}", "line 17: outcomes[0] ('buys'): label is a table, which is for shape"),
        ('kind = "propensity"', 'kind = "value"', "line 18: outcomes[0] ('buys'): positive means something only for"),
        ("[judging]", "[quality]\nmost_missing = 3\n[judging]", "line 21: quality: most_missing is 3; needed is a sha"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Whatever is absent, wrong, unknown or said twice is named by file, line and key, with what would be right."""
    assert old in GOOD
    with pytest.raises(BadConfig) as caught:
        _read(tmp_path, GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(str(tmp_path / "shop.toml"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('purpose = "personalization"\n', "", "attributes[0] ('crm'): purpose is needed"),
        ('entity = "customer"\n', "", "attributes[0] ('crm'): entity is needed"),
        ('time = "since"\n', "", "attributes[0] ('crm'): valid_days counts from the column `time`"),
        ("valid_days = 30", 'valid_days = 30\nvalid_until = "x"', "valid_days and valid_until say the same"),
        ('[[attributes.features]]\nname = "tier"\n', "", "attributes[0] ('crm'): features: there is none"),
        ('name = "tier"', 'name = "visits"', "features: 'visits' is the name of two; each needs a name of its own"),
        ('name = "tier"', 'name = "tier"\nunits = "x"', "attributes[0] ('crm').features[0] ('tier'): units means noth"),
    ],
)
def test_faults_of_attributes(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Attributes need whose they are, what they are for, and features; expiry is said once, and counts from a time."""
    assert old in ATTRIBUTE
    with pytest.raises(BadConfig) as caught:
        _read(tmp_path, GOOD + ATTRIBUTE.replace(old, new, 1))
    assert message in str(caught.value)


def test_nothing_to_train(tmp_path: Path) -> None:
    """A file without heads, or without features, is refused."""
    with pytest.raises(BadConfig, match=r"shop\.toml: there is nothing to train; needed is at least one"):
        _read(tmp_path, GOOD.split("[[segmentations]]", maxsplit=1)[0])
    with pytest.raises(BadConfig, match="features: there is none; needed is at least one"):
        _read(tmp_path, GOOD.replace('[[features]]\nname = "visits"\nkind = "number"\n', ""))


def test_shipped() -> None:
    """Every shipped configuration can be read, has a title, and describes each of its features."""
    titles = shipped()
    assert {"shop_sessions", "bank", "telecom"} <= set(titles)
    for name, title in titles.items():
        configuration = read_configuration(find_configuration(name))
        assert configuration.model.name == name
        assert title == configuration.model.title != name
        for feature in configuration.features:
            assert feature.description != feature.name.replace("_", " "), f"{name}: {feature.name} is not described"
            assert feature.kind, f"{name}: {feature.name} leaves its kind to the data"
            assert feature.kind == "category" or feature.high, f"{name}: {feature.name} has no words"
            assert feature.kind != "number" or feature.unit, f"{name}: {feature.name} has no unit"


def test_found_by_name_or_path(tmp_path: Path) -> None:
    """A name is that of a shipped configuration; what ends in .toml, or has a folder, is a path."""
    assert find_configuration("telecom") == SHIPPED / "telecom.toml"
    assert find_configuration("mine.toml") == Path("mine.toml")
    assert find_configuration(str(tmp_path / "mine")) == tmp_path / "mine"
    with pytest.raises(BadConfig, match="there is no configuration 'telekom'; did you mean telecom"):
        find_configuration("telekom")
    with pytest.raises(BadConfig, match=r"there is no configuration 'zzz'; there are bank, .*, or give the path"):
        find_configuration("zzz")


def test_folders(tmp_path: Path) -> None:
    """Data are beside the file, or where it was said."""
    configuration = _read(tmp_path, GOOD)
    assert configuration.folders(None) == (tmp_path,)
    assert configuration.folders(Path("elsewhere")) == (Path("elsewhere"),)
