import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.training.judging.tables import DAY_MS, QUESTION, Known, events, logistic, table
from training import heads
from training.judging.document import Entry
from training.judging.leakage import Leaks, check_leaks, find_leaks
from training.table import Table


def _find(rows: Table, head: Known, kind: str = "propensity", known_at: dict[str, str] | None = None) -> list[Entry]:
    return find_leaks("buys", kind, rows, head.tested, known_at or {}, 0)


def _with_feature(rows: Table, position: int, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Table:
    features = rows.features.copy()
    features[:, position] = values
    return dataclasses.replace(rows, features=features)


@pytest.mark.parametrize("dates", [0, 8])
def test_clean_data_has_none(dates: int) -> None:
    """With and without times, and several rows of each visitor, nothing is found where nothing was planted."""
    rows, head = events(3200, 0, rows_each=4 if dates else 1, dates=dates)
    assert _find(rows, head) == []


def test_a_feature_that_is_the_outcome() -> None:
    """Even with noise around it, it is found by name, and forbids to publish."""
    rows, head = events(2000, 0)
    noise = np.random.default_rng(1).normal(0, 0.2, 2000)
    found = _find(_with_feature(rows, 2, rows.outcomes["buys"] + noise), head)
    assert [(one["check"], one["feature"], one["severity"]) for one in found] == [("single_feature", "c", "refuse")]
    assert found[0]["figure"] > 0.95
    with pytest.raises(Leaks, match=r"c alone nearly decides buys .* leave it out"):
        check_leaks(found)
    assert _find(_with_feature(rows, 2, rows.outcomes["buys"]), head, "lookalike")[0]["severity"] == "warn"


def test_a_feature_that_is_most_of_the_model() -> None:
    """One feature that gives nearly all of what the model adds is a warning, and forbids nothing."""
    rows, head = events(6000, 0)
    truth = 1.2 * rows.features[:, 0] + 0.9 * rows.features[:, 1]
    found = _find(_with_feature(rows, 3, truth), head)
    assert [(one["feature"], one["severity"]) for one in found] == [("d", "warn")]
    check_leaks(found)


def test_amounts_and_classes() -> None:
    """A feature that orders the amounts, or names the class, is found as well; those that only help are not."""
    rows, head = events(1500, 0)
    generator = np.random.default_rng(0)
    amounts = np.exp(logistic(rows.features[:, 0] + rows.features[:, 1]) + generator.normal(0, 1, 1500))
    spent = dataclasses.replace(rows, outcomes={"buys": amounts})
    tested = heads.Tested(head.tested.rows, logistic(rows.features[:, :1] + rows.features[:, 1:2]), amounts, "")
    value = dataclasses.replace(head, tested=tested)
    assert _find(spent, value, "value") == []
    assert [one["feature"] for one in _find(_with_feature(spent, 2, amounts * 3), value, "value")] == ["c"]
    word = generator.integers(0, 3, 1500).astype(float)
    named = dataclasses.replace(rows, outcomes={"buys": word})
    said = dataclasses.replace(head, tested=heads.Tested(head.tested.rows, np.full((1500, 3), 1 / 3), word, ""))
    assert _find(named, said, "classes") == []
    found = _find(_with_feature(named, 1, word), said, "classes")
    assert [(one["feature"], one["severity"]) for one in found] == [("b", "refuse")]


def test_newer_than_the_row() -> None:
    """A value that was known only at the row's moment, or after it, is from the future."""
    rows, head = events(800, 0, dates=4)
    assert rows.as_of_ms is not None
    known = rows.as_of_ms - 1
    known[:80] += np.array([1, DAY_MS] * 40)
    late = dataclasses.replace(
        rows, columns={"a_at": known, "b_at": np.array([None if time % 2 else time - 10 for time in known.tolist()])}
    )
    found = _find(late, head, known_at={"a": "a_at", "b": "b_at", "c": "elsewhere"})
    assert [(one["check"], one["feature"], one["figure"]) for one in found] == [("newer_than_row", "a", 0.1)]
    assert found[0]["severity"] == "refuse"


@pytest.mark.parametrize("dates", [0, 4])
def test_rows_that_stand_there_twice(dates: int) -> None:
    """Records of one visitor, copied under another's name to the other side of the split, are found."""
    rows, head = events(1000, 0, dates=dates)
    copies = head.tested.rows[:100]
    originals = copies - (1 if dates else 500)  # the row before is of the date before
    features, actual = rows.features.copy(), rows.outcomes["buys"].copy()
    features[copies], actual[copies] = features[originals], actual[originals]
    tested = dataclasses.replace(head.tested, actual=actual[head.tested.rows])
    copied = dataclasses.replace(rows, features=features, outcomes={"buys": actual})

    def repeated(rows: Table, tested: heads.Tested) -> list[tuple[str, float]]:
        found = _find(rows, dataclasses.replace(head, tested=tested))
        return [(one["severity"], round(one["figure"], 6)) for one in found if one["check"] == "repeated_rows"]

    assert repeated(copied, tested) == [("warn", 0.4 if dates else 0.2)]
    assert repeated(dataclasses.replace(copied, visitors=np.repeat("v", 1000)), tested) == []
    alike = dataclasses.replace(rows, features=features)  # with outcomes of their own
    assert repeated(alike, head.tested) == []


def test_few_different_rows_are_no_copies() -> None:
    """Where features are coarse, equal rows are no surprise."""
    rows, head = events(1000, 0)
    coarse = dataclasses.replace(rows, features=np.sign(rows.features))
    assert _find(coarse, head) == []


def test_windows_that_grow() -> None:
    """Days since records began, which grow by seven a week, are found; a feature with a fixed window is not."""
    rows, head = events(4000, 0, dates=10)
    assert rows.as_of_ms is not None
    tenure = np.random.default_rng(0).uniform(0, 1, 4000) * (rows.as_of_ms / DAY_MS + 30)
    found = _find(_with_feature(rows, 3, tenure), head)
    assert [(one["check"], one["feature"], one["severity"]) for one in found] == [("growing_window", "d", "warn")]
    assert "give the feature a window of fixed length" in found[0]["text"]


def test_an_outcome_that_stays_with_the_visitor() -> None:
    """Whoever buys at all buys at every date: a model has only to know them again, and is said to be tested on them."""
    rows, head = events(2000, 0, rows_each=4, dates=4)
    people = np.unique(rows.visitors, return_inverse=True)[1]
    always = (np.random.default_rng(0).random(500) < 0.3).astype(float)[people]
    tested = heads.Tested(head.tested.rows, head.tested.predicted, always[head.tested.rows], "")
    same = dataclasses.replace(rows, outcomes={"buys": always})
    found = _find(same, dataclasses.replace(head, tested=tested))
    assert [(one["check"], one["figure"]) for one in found] == [("same_for_visitor", 1)]


def test_folds_by_visitor_may_have_outcomes_that_stay() -> None:
    """Where visitors are never on both sides, that theirs stay the same is no leak."""
    rows, head = events(400, 0, rows_each=4)
    always = (np.random.default_rng(0).random(100) < 0.3).astype(float)[np.arange(400) // 4]
    tested = heads.Tested(head.tested.rows, head.tested.predicted, always, "")
    same = dataclasses.replace(rows, outcomes={"buys": always})
    assert _find(same, dataclasses.replace(head, tested=tested)) == []


SESSIONS = Path(__file__).parents[4] / "shared" / "data" / "online_shoppers_intention.csv"


@pytest.mark.skipif(not SESSIONS.is_file(), reason="online_shoppers_intention.csv is not there")
def test_real_sessions() -> None:
    """No feature of real sessions decides a purchase alone, not even the value of pages; one made of it does."""
    with SESSIONS.open(encoding="utf-8") as file:
        sessions = list(csv.DictReader(file))[::3]
    names = ("Administrative", "ProductRelated_Duration", "ExitRates", "PageValues")
    features = np.array([[float(session[name]) for name in names] for session in sessions])
    bought = np.array([float(session["Revenue"] == "TRUE") for session in sessions])
    rows = table(features, outcomes={"buys": bought})
    tested = heads.Tested(np.arange(len(rows)), np.full((len(rows), 1), 0.15), bought, "")
    head = Known(np.zeros(4), tested, {}, QUESTION)
    assert [one for one in _find(rows, head) if one["severity"] == "refuse"] == []
    known_after = _with_feature(rows, 0, bought * np.maximum(features[:, 3], 1))
    found = _find(known_after, head)
    assert [(one["feature"], one["severity"]) for one in found if one["check"] == "single_feature"] == [("a", "refuse")]
