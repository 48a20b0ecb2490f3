import json
import tomllib

import numpy as np
import pytest

from training.configuration.section import BadConfig, Section
from training.journeys.gap import Gap
from training.journeys.order import CannotMine, JourneyOrder, Journeys, mine, read_journey, to_evaluation
from training.journeys.progress import Tracker
from training.journeys.sequences import Event, Sequences

NEEDED = 'name = "j"\ntitle = "before"\noutcome = "buys"\nword = "kind"\n'
HOUR_MS = 3_600_000


def _read(text: str) -> JourneyOrder:
    return read_journey(Section(tomllib.loads(NEEDED + text), "journeys[0]"))


def _shop(count: int = 600) -> tuple[Sequences, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Visitors of a shop: who searches and within an hour fills the cart buys four times as often as others."""
    generator = np.random.default_rng(0)
    visitors: list[list[Event]] = []
    outcomes = []
    for _ in range(count):
        words = generator.choice(["home", "list", "product", "search", "cart"], generator.integers(1, 8))
        times = np.cumsum(generator.exponential(HOUR_MS, len(words))).astype(int)
        events = [(int(time), str(word)) for time, word in zip(times, words, strict=True)]
        pairs = [(a, b) for i, a in enumerate(events) for b in events[i + 1 :]]
        is_it = any(a[1] == "search" and b[1] == "cart" and b[0] - a[0] <= HOUR_MS for a, b in pairs)
        visitors.append(events)
        outcomes.append(generator.random() < (0.6 if is_it else 0.15))
    return Sequences.of(visitors), np.array(outcomes, dtype=np.float64)


def test_read() -> None:
    """Keys as in the file; without them no limits to gaps, five steps, 1 % and 20 visitors, 1,000 journeys, 5 %."""
    order = _read("")
    assert (order.name, order.title, order.outcome, order.word) == ("j", "before", "buys", "kind")
    assert (order.gap, order.window_days, order.longest) == (Gap(), None, 5)
    assert (order.minimum_share, order.minimum_visitors, order.limit) == (0.01, 20, 1000)
    assert order.false_discovery_rate == 0.05
    order = _read("maximum_gap_hours = 1.5\nmaximum_gap_events = 3\nwindow_days = 28\nlongest = 2")
    assert (order.gap, order.window_days, order.longest) == (Gap(5_400_000, 3), 28, 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("maximum_gap_hours = 0", "maximum_gap_hours is 0; needed is more than 0, or leave it out for no limit"),
        ("maximum_gap_events = 0", "maximum_gap_events is 0; needed is a whole number from 1 to 100000"),
        ("window_days = -1", "window_days is -1; needed is more than 0"),
        ("longest = 11", "longest is 11; needed is a whole number from 1 to 10"),
        ("minimum_share = 1", "minimum_share is 1; needed is a share more than 0 and less than 1"),
        ("limit = 0", "limit is 0; needed is a whole number from 1"),
        ("minimum_visitor = 3", "minimum_visitor means nothing here; did you mean minimum_visitors"),
    ],
)
def test_mistakes(text: str, reason: str) -> None:
    """A mistake in the file is said by its place, and with what would be right."""
    with pytest.raises(BadConfig, match=reason) as caught:
        _read(text)
    assert str(caught.value).startswith("journeys[0] ('j')")


def _mined(text: str = "maximum_gap_hours = 1\nlongest = 3") -> tuple[Sequences, Journeys]:
    sequences, outcomes = _shop()
    return sequences, mine(_read(text), sequences, outcomes)


def test_the_planted_journey_is_found() -> None:
    """The journey that makes a difference comes first, and is sure; its lift is what was planted."""
    _, found = _mined()
    first = found.journeys[0]
    assert first.words == ("search", "cart")
    assert first in found.sure
    assert first.rate_low < 0.6 < first.rate_high
    assert first.lift == pytest.approx(first.rate / found.base_rate)
    assert found.is_all
    assert found.least_count == 20
    assert all(journey.count >= 20 for journey in found.journeys)
    backwards = next(journey for journey in found.journeys if journey.words == ("cart", "search"))
    assert backwards not in found.sure


def test_as_a_feature() -> None:
    """A tracker says online of whom the search said offline that they made the journey."""
    sequences, found = _mined()
    for journey in found.journeys[:5]:
        tracker = Tracker(journey.words, found.order.gap)
        made = 0
        for start, end in zip(sequences.starts, sequences.starts[1:], strict=False):
            progress = tracker.start()
            for place in range(start, end):
                word = sequences.vocabulary[sequences.words[place]]
                progress = tracker.update(progress, word, int(sequences.times_ms[place]))
            made += progress.steps() == len(journey.words)
        assert made == journey.count


def test_unknown_outcomes_are_left_out() -> None:
    """Visitors whose outcome is not known yet count neither for nor against a journey."""
    sequences, outcomes = _shop()
    outcomes[::3] = np.nan
    kept = ~np.isnan(outcomes)
    found = mine(_read("longest = 2"), sequences, outcomes)
    assert found.visitor_count == kept.sum()
    assert found.journeys == mine(_read("longest = 2"), sequences.where(kept), outcomes[kept]).journeys


def test_a_limit_is_said() -> None:
    """When there are more journeys than are looked at, the evaluation says so."""
    assert not to_evaluation(_mined()[1])["note"]
    _, found = _mined("limit = 7")
    assert not found.is_all
    assert to_evaluation(found)["note"] == (
        "only the 7 most frequent journeys were looked at; a larger limit would find more"
    )


def test_evaluation() -> None:
    """The evaluation is JSON without NaN, and tells each journey in a sentence."""
    figures = json.loads(json.dumps(to_evaluation(_mined()[1]), allow_nan=False))
    assert figures["gap"] == "each step within 1 hour after the one before"
    first = figures["journeys"][0]
    assert first["text"].startswith("search, then cart: ")
    assert first["sure"]
    assert first["words"] == ["search", "cart"]


@pytest.mark.parametrize(
    ("outcome", "count", "reason"),
    [
        (0.0, 600, "no visitor has the outcome 'buys'"),
        (1.0, 600, "every visitor has the outcome 'buys'"),
        (np.nan, 600, "there are 0 visitors with a known outcome, and 20 have to make a journey"),
        (None, 15, "there are 15 visitors with a known outcome"),
    ],
)
def test_nothing_to_mine(outcome: float | None, count: int, reason: str) -> None:
    """Without enough visitors, or without a difference in the outcome, it is said what is lacking."""
    sequences, outcomes = _shop(count)
    if outcome is not None:
        outcomes[:] = outcome
    with pytest.raises(CannotMine, match=reason):
        mine(_read(""), sequences, outcomes)
