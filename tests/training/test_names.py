from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.features import FeatureSpec
from training.names import BadNames, Trait, name_segments, read_names, strongest, traits
from training.segmentations.shaping import Shaping

SPEND = FeatureSpec(name="spend", description="spend", unit="USD", high="Big spenders", low="Light spenders")
VISITS = FeatureSpec(name="visits", description="visits", high="Frequent visitors", low="Rare visitors")
DEALS = FeatureSpec(name="deals", description="deals", high="Deal seekers")
SPECS = (SPEND, VISITS, DEALS)


def _trait(spec: FeatureSpec, effect: float) -> Trait:
    return Trait(spec, 1.0, 0.0, effect)


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ((2.0, 1.0, 0.5), "Big spenders, frequent visitors"),
        ((-2.0, 1.0, 0.5), "Light spenders, frequent visitors"),
        ((0.3, -1.0, 0.5), "Rare visitors, deal seekers"),
        ((0.3, 0.2, -2.0), "Average shoppers"),
        ((0.35, 0.2, 0.1), "Big spenders"),
        ((0.1, 0.34, -0.34), "Average shoppers"),
    ],
)
def test_words(effects: tuple[float, ...], expected: str) -> None:
    """A name is its segment's two strongest differences that are worth a word and have one, in the order given."""
    assert name_segments([[_trait(spec, effect) for spec, effect in zip(SPECS, effects, strict=True)]], {}) == [
        expected
    ]


def test_more_words_where_two_would_be_called_the_same() -> None:
    """A second segment of the same strongest words takes another word, and then a number."""
    alike = [_trait(SPEND, 2), _trait(VISITS, 1), _trait(DEALS, 1)]
    assert name_segments([alike, alike, alike, alike], {}) == [
        "Big spenders, frequent visitors",
        "Big spenders, frequent visitors, deal seekers",
        "Big spenders, frequent visitors (2)",
        "Big spenders, frequent visitors (3)",
    ]


def test_given_names_stay() -> None:
    """A name that a segment has already stays, and no other segment takes it, also one that comes before."""
    big = [_trait(SPEND, 2)]
    assert name_segments([big, big, []], {1: "Big spenders"}) == [
        "Big spenders (2)",
        "Big spenders",
        "Average shoppers",
    ]


def test_same_name_given_twice() -> None:
    """Two segments of one name are refused, with the name."""
    with pytest.raises(BadNames, match=r"called the same: .*Regulars"):
        name_segments([[], []], {0: "Regulars", 1: "Regulars"})


@given(
    effects=st.lists(st.lists(st.floats(-3, 3), min_size=3, max_size=3), min_size=1, max_size=8),
    given_names=st.dictionaries(st.integers(0, 7), st.sampled_from(["Regulars", "Big spenders", "x"]), max_size=2),
)
def test_names_are_distinct(effects: list[list[float]], given_names: dict[int, str]) -> None:
    """However alike segments are, their names are distinct, not empty, and given ones are kept."""
    kept = {position: name for position, name in given_names.items() if position < len(effects)}
    if len(set(kept.values())) < len(kept):
        return
    segments = [[_trait(spec, effect) for spec, effect in zip(SPECS, row, strict=True)] for row in effects]
    names = name_segments(segments, kept)
    assert len(set(names)) == len(names) == len(effects)
    assert all(names)
    assert {position: names[position] for position in kept} == kept


def test_traits_are_strongest_first() -> None:
    """A trait is the segment's mean, everybody's, and their difference in standard deviations after shaping."""
    features = np.array([[0, 5, 1], [0, 6, 1], [10, 5, 1], [10, 8, 1]], dtype=np.float32)
    shaping = Shaping.fit(features, SPECS, ["spend", "visits", "deals"])
    first, second, third = traits(features, np.array([0, 0, 1, 1]), 1, shaping, SPECS)
    assert (first.spec, first.mean, first.population_mean) == (SPEND, 10, 5)
    assert first.effect == pytest.approx(1)
    assert (second.spec, second.mean, second.population_mean) == (VISITS, 6.5, 6)
    assert second.effect == pytest.approx(0.5 / np.std([5, 6, 5, 8]))
    assert (third.spec, third.effect) == (DEALS, 0)


def test_five_traits_are_kept() -> None:
    """The manifest gets the five strongest."""
    all_traits = [_trait(SPEND, effect) for effect in range(9, 0, -1)]
    assert [trait.effect for trait in strongest(all_traits)] == [9, 8, 7, 6, 5]


def test_read_names(tmp_path: Path) -> None:
    """People's names come from a TOML file, by key; without a file there are none."""
    path = tmp_path / "names.toml"
    path.write_text('customer_value-1-2 = "Stammgäste"\n"style-1-1" = "Deals"\n', encoding="utf-8")
    assert read_names(path) == {"customer_value-1-2": "Stammgäste", "style-1-1": "Deals"}
    assert read_names(None) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'"a-1-1" = 5', r"'a-1-1' needs a name in quotes, such as \"a-1-1\" = \"Regulars\""),
        (b'a-1-1 = ""', "'a-1-1' needs a name"),
        (b'a-1-1 = " \\t"', "'a-1-1' needs a name"),
        (b'[names]\na-1-1 = "Regulars"', "'names' needs a name"),
        (b'a-1-1 = "x"\na-1-1 = "y"', "cannot be read: .*overwrite"),
        (b"a-1-1 = Regulars", "cannot be read"),
        (b'a-1-1 = "\xff"', "cannot be read: .*utf-8"),
    ],
)
def test_bad_names(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that holds something else is refused, with what is wrong."""
    path = tmp_path / "names.toml"
    path.write_bytes(content)
    with pytest.raises(BadNames, match=message):
        read_names(path)


def test_absent_names(tmp_path: Path) -> None:
    """A file that is not there, or is a folder, is refused with its path."""
    with pytest.raises(BadNames, match=r"absent.toml cannot be read: .*No such file"):
        read_names(tmp_path / "absent.toml")
    with pytest.raises(BadNames, match=r"cannot be read: .*directory"):
        read_names(tmp_path)
