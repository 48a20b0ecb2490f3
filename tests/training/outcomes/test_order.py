import tomllib

import pytest

from training.configuration.section import BadConfig, Section
from training.heads import Question
from training.outcomes.order import OutcomeOrder, read_outcome


def read(text: str) -> OutcomeOrder | str:
    """The order of a table with these lines."""
    return read_outcome(Section(tomllib.loads(text), "outcomes[0]"), read_special)


def read_special(section: Section, name: str, title: str, kind: str) -> str:
    """What another reader makes of the rest."""
    section.whole("horizon_days")
    section.finish()
    return f"{kind} {name}: {title}"


def test_everything_that_can_be_asked_for() -> None:
    """Every key of a propensity; methods stand in the order of simplicity, whatever the order in the file."""
    order = read("""
        name = "buys"
        title = "buys within a week"
        kind = "propensity"
        label = "Revenue"
        positive = "Yes"
        horizon_days = 7
        methods = ["lightgbm", "logistic", "boosting"]
        without = ["page_values"]
        weights = "balanced"
        calibration = "sigmoid"
        folds = 4
    """)
    assert order == OutcomeOrder(
        name="buys",
        title="buys within a week",
        kind="propensity",
        label="Revenue",
        positive="Yes",
        horizon_days=7,
        methods=("logistic", "boosting", "lightgbm"),
        without=("page_values",),
        weights="balanced",
        calibration="sigmoid",
        folds=4,
    )
    assert isinstance(order, OutcomeOrder)
    assert order.question == Question("buys", "buys within a week", 7)


def test_what_is_usual() -> None:
    """A name, a kind and a label are enough; an amount needs its unit, and classes their words."""
    assert read('name="buys"\nkind="propensity"\nlabel="y"') == OutcomeOrder(
        name="buys", title="buys", kind="propensity", label="y", methods=("logistic", "boosting")
    )
    assert read('name="spends"\nkind="value"\nlabel="y"\nunit="EUR"\nbaseline="spend"') == OutcomeOrder(
        name="spends",
        title="spends",
        kind="value",
        label="y",
        unit="EUR",
        methods=("linear", "boosting"),
        calibration="ratio",
        baseline="spend",
    )
    assert read('name="next"\nkind="classes"\nlabel="y"\nclasses=["a","b","c"]') == OutcomeOrder(
        name="next",
        title="next",
        kind="classes",
        label="y",
        classes=("a", "b", "c"),
        methods=("logistic", "boosting"),
        calibration="temperature",
    )


def test_a_label_of_several_keys() -> None:
    """A label that is a table is kept, for who makes the rows."""
    order = read('name="buys"\nkind="propensity"\nlabel={event="purchase"}')
    assert isinstance(order, OutcomeOrder)
    assert order.label is None
    assert order.label_table is not None
    assert order.label_table.text("event") == "purchase"


def test_other_kinds_are_read_elsewhere() -> None:
    """A lookalike and an uplift are read by their own reader, which gets the same table."""
    assert read('name="like"\ntitle="as they"\nkind="lookalike"\nhorizon_days=3') == "lookalike like: as they"


PROPENSITY = 'name="buys"\nkind="propensity"\nlabel="y"\n'


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('name="buys"\nkind="wish"', r"outcomes\[0\] \('buys'\): kind is 'wish'; needed is one of propensity, classes"),
        ('name="buys"\nkind="propensity"', "label is needed: the column that answers"),
        ('name="buys"\nkind="propensity"\nlabel=3', "label is 3; needed is a text in quotes"),
        (PROPENSITY + 'methods=["svm"]', "methods has 'svm'; for a propensity there are logistic, tree, forest"),
        (PROPENSITY + 'methods=["gamma"]', "methods has 'gamma'; for a propensity"),
        (PROPENSITY + 'calibration="isotonic"', "isotonic calibration is not offered: .* sigmoid is exported exactly"),
        (PROPENSITY + 'calibration="ratio"', "calibration is 'ratio'; for a propensity there are sigmoid and none"),
        (PROPENSITY + 'weights="balanced"\ncalibration="none"', "which only a calibration undoes"),
        (PROPENSITY + "folds=1", "folds is 1; needed is a number from 2 to 20"),
        (PROPENSITY + 'unit="EUR"', "unit means nothing here"),
        (PROPENSITY + 'mehtods=["tree"]', "mehtods means nothing here; did you mean methods"),
        ('name="spends"\nkind="value"\nlabel="y"', "unit is needed"),
        ('name="spends"\nkind="value"\nlabel="y"\nunit="EUR"\nweights="balanced"', "weights means nothing here"),
        (
            'name="n"\nkind="classes"\nlabel="y"\nclasses=["a","b"]',
            r'classes are a, b; needed are .* kind = "propensity"',
        ),
        ('name="n"\nkind="classes"\nlabel="y"\nclasses=["a","b","a"]', "classes has a word twice"),
    ],
)
def test_mistakes_are_named(text: str, error: str) -> None:
    """What is wrong in the file is said with its place, and with what would be right."""
    with pytest.raises(BadConfig, match=error):
        read(text)
