from pathlib import Path

import numpy as np
import pytest

from tests.training.campaigns import SPECS, audience, campaign
from training.configuration.section import BadConfig, Section
from training.heads import Outcome
from training.learners import Sample
from training.lookalike.order import LookalikeOrder
from training.outcomes.examples import CannotLearn
from training.special_order import SpecialOrder, fit_special, read_special, treated_rows
from training.table import Table
from training.uplift.order import UpliftOrder

ALIKE: dict[str, object] = {"audience": ["a", "b"], "methods": ["boosting", "logistic"]}
MORE: dict[str, object] = {"label": "bought", "treatment": "group", "treated": "coupon", "horizon_days": 7}


def _read(kind: str, content: dict[str, object]) -> SpecialOrder:
    return read_special(Section(content, "outcomes[0]"), "head", "a head", kind)


def _table(sample: Sample, **columns: object) -> Table:
    return Table(
        specs=sample.specs,
        features=sample.features,
        is_missing=np.zeros(sample.features.shape, dtype=bool),
        visitors=sample.visitors,
        as_of_ms=None,
        outcomes={"head": sample.happened},
        columns={name: np.asarray(column, dtype=object) for name, column in columns.items()},
    )


def test_read_lookalike() -> None:
    """A lookalike says who the audience is, and has no horizon; methods stand from the simplest on."""
    order = _read("lookalike", ALIKE)
    assert order.details == LookalikeOrder(("a", "b"), "", None, ("logistic", "boosting"))
    assert (order.question.horizon_days, order.question.unit, order.columns) == (0, "", ())


def test_read_uplift() -> None:
    """An uplift says who was treated, what that was to change, and within how long; its unit is a probability."""
    order = _read("uplift", MORE)
    assert order.details == UpliftOrder("group", "coupon", None, "boosting", ("two_models", "transformed_outcome"))
    assert (order.label, order.question.unit, order.columns) == ("bought", "probability", ("group",))
    nested = _read("uplift", MORE | {"label": {"event": "purchase"}})
    assert nested.label is None
    assert nested.label_table is not None


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("lookalike", {}, "a lookalike needs exactly one of label"),
        ("lookalike", ALIKE | {"label": "member"}, "a lookalike needs exactly one of label"),
        ("lookalike", ALIKE | {"labelled_share": 1.5}, "labelled_share is 1.5; needed is a share above 0, at most 1"),
        ("lookalike", ALIKE | {"methods": ["bagging"]}, "methods has 'bagging'; there are logistic, boosting"),
        ("lookalike", ALIKE | {"treatment": "group"}, "treatment means nothing here"),
        ("uplift", MORE | {"treated_share": 1}, "treated_share is 1; needed is a share between 0 and 1"),
        ("uplift", {k: v for k, v in MORE.items() if k != "label"}, "label is needed: what the treatment is to change"),
        ("uplift", {k: v for k, v in MORE.items() if k != "horizon_days"}, "horizon_days is needed: for how many days"),
        ("uplift", MORE | {"learner": "forest"}, "learner is 'forest'; needed is one of logistic, boosting"),
    ],
)
def test_faults(kind: str, content: dict[str, object], text: str) -> None:
    """What is wrong is said with its place, and what would be right."""
    with pytest.raises(BadConfig, match=rf"^outcomes\[0\]: {text}"):
        _read(kind, content)


def test_audience_by_label_list_or_file(tmp_path: Path) -> None:
    """A column, a list of visitors, and a file with one in each line are three ways to say the same."""
    sample, _ = audience(400, 1, listed=0.5)
    members = sample.visitors[sample.happened > 0].tolist()
    (tmp_path / "members.txt").write_text("\n".join(["", *members, "  stranger "]), "utf-8")
    ways: list[dict[str, object]] = [{"label": "member"}, {"audience": members}, {"audience_file": "members.txt"}]
    heads = [
        fit_special(_read("lookalike", way | {"methods": ["logistic"]}), _table(sample), 0, tmp_path) for way in ways
    ]
    assert all(isinstance(head, Outcome) for head in heads)
    first, second, third = (head.scores(sample.features) for head in heads)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)


def test_no_audience_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    sample, _ = audience(400, 1, listed=0.5)
    with pytest.raises(CannotLearn, match=r"the audience .*absent\.txt cannot be read: No such file"):
        fit_special(_read("lookalike", {"audience_file": "absent.txt"}), _table(sample), 0, tmp_path)


def test_uplift_of_a_table() -> None:
    """Rows of whom the treatment or the outcome is not known are left out; those tested are positions in the table."""
    sample, treated, _ = campaign(1500, 1)
    group = np.where(treated, "coupon", "nothing").astype(object)
    group[:100] = None
    sample.happened[100:150] = np.nan
    order = _read("uplift", MORE | {"learner": "logistic", "methods": ["two_models"]})
    head = fit_special(order, _table(sample, group=group), 0)
    assert isinstance(head, Outcome)
    rows = head.tested.rows  # type: ignore[attr-defined]  # the protocol is to have it
    assert rows.min() >= 150
    np.testing.assert_array_equal(head.tested.actual, sample.happened[rows])  # type: ignore[attr-defined]


def test_no_such_treatment() -> None:
    """A treatment that is no column of the records is named."""
    sample, _, _ = campaign(200, 1)
    with pytest.raises(CannotLearn, match="the records have no column group"):
        fit_special(_read("uplift", MORE), _table(sample), 0)


@pytest.mark.parametrize("words", [[1, 0, None], [True, False, None], ["Yes", " no", ""], [1.0, 0.0, float("nan")]])
def test_treated(words: list[object]) -> None:
    """Who was treated may be said in numbers, booleans or words; nothing is no answer."""
    treated, known = treated_rows(np.array(words, dtype=object), "group", "")
    assert treated.tolist() == [True, False, False]
    assert known.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("words", "text"),
    [(["A", "B"], "group holds 'A'; needed"), ([1, 1], "nobody is untreated by the column")],
)
def test_treatments_of_no_use(words: list[object], text: str) -> None:
    """Words that nobody explained, and a side without visitors, are refused."""
    with pytest.raises(CannotLearn, match=text):
        treated_rows(np.array(words, dtype=object), "group", "")


def test_label_of_other_numbers() -> None:
    """A label that is an amount is refused."""
    sample, _ = audience(400, 1, listed=0.5)
    amounts = Sample(specs=SPECS, features=sample.features, happened=sample.happened * 3, visitors=sample.visitors)
    with pytest.raises(CannotLearn, match="holds other numbers than 0 and 1"):
        fit_special(_read("lookalike", {"label": "member"}), _table(amounts), 0)
