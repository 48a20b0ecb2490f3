"""Tables read key by key: errors name file, line, table and key."""

import tomllib

import pytest

from training.configuration.lines import Origin, find_lines
from training.configuration.section import BadConfig, Section

TEXT = """\
seed = 3
[judging]
strict = "yes"
[[outcomes]]
name = "buys"
metods = ["boosting"]
horizon_days = 0
[outcomes.label]
where = 3
"""


def _section() -> Section:
    return Section(tomllib.loads(TEXT), origin=Origin("shop.toml", find_lines(TEXT)))


def _outcome() -> Section:
    (outcome,) = _section().tables("outcomes")
    return outcome.called(outcome.text("name"))


def test_line_of_the_key() -> None:
    """An error that begins with a key of the table has the line of the key."""
    fault = _outcome().fault("horizon_days is 0; needed is 1 or more")
    assert str(fault) == "shop.toml, line 7: outcomes[0] ('buys'): horizon_days is 0; needed is 1 or more"


def test_line_of_the_table() -> None:
    """An error about a key that is absent, or about no key, has the line of the table."""
    assert str(_outcome().fault("label_of is needed")).startswith("shop.toml, line 4: outcomes[0] ('buys'): ")
    assert str(_outcome().fault("")).startswith("shop.toml, line 4: ")
    assert str(_section().fault("model is needed")) == "shop.toml: model is needed"


def test_unknown_key() -> None:
    """A misspelt key is found with its line and what was meant."""
    outcome = _outcome()
    assert not outcome.has("methods")
    with pytest.raises(BadConfig) as caught:
        outcome.finish()
    assert str(caught.value) == (
        "shop.toml, line 6: outcomes[0] ('buys'): metods means nothing here; did you mean methods?"
    )


def test_inner_table() -> None:
    """A table in a table names both, and has lines too."""
    label = _outcome().table("label")
    assert label is not None
    with pytest.raises(BadConfig, match=r"shop.toml, line 9: outcomes\[0\] \('buys'\)\.label: where is 3; needed is a"):
        label.text("where")


def test_called_twice() -> None:
    """Two readers of one table may both say what it is called."""
    assert "outcomes[0] ('buys'): x" in str(_outcome().called("buys").fault("x"))


def test_shared_between_readers() -> None:
    """A table is the same object each time, so that keys that one reader asked for are known when another finishes."""
    section = _section()
    first, second = section.tables("outcomes")[0], section.tables("outcomes")[0]
    assert first is second
    assert section.table("judging") is section.table("judging")
    for key in ("name", "metods", "horizon_days", "label"):
        first.has(key)
    second.finish()


def test_part() -> None:
    """Some keys as a table of their own share their tables, and are known to the whole."""
    section = _section()
    part = section.part(("judging", "absent"))
    assert part.names() == ("judging",)
    assert part.table("judging") is section.table("judging")
    assert not part.has("absent")
    part.finish()
    section.has("seed")
    section.has("outcomes")
    section.finish()


def test_truth() -> None:
    """True or false and nothing else; the default where the key is absent."""
    assert Section({"a": True}).truth("a")
    assert not Section({}).truth("a")
    assert Section({}).truth("a", default=True)
    judging = _section().table("judging")
    assert judging is not None
    with pytest.raises(BadConfig, match=r"shop\.toml, line 3: judging: strict is 'yes'; needed is true or false"):
        judging.truth("strict")


def test_is_table() -> None:
    """Whether a key that may be one thing or the other is a table."""
    assert _outcome().is_table("label")
    assert not _outcome().is_table("name")
    assert not _outcome().is_table("absent")


def test_without_a_file() -> None:
    """A table that was read from no file names the place alone."""
    assert str(Section({"a": 1}, "data").fault("a is 1")) == "data: a is 1"
