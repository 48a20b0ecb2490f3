"""What shadows do with requests, from the request to the metrics, without a network."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features
from server.copies import MOST_COPIES, Copies
from server.counters import Counters, Shape
from server.heads import FloatMatrix
from server.lifecycle import Lifecycle
from server.metrics import Metrics
from server.registry import Registry
from server.scoring import Scoring
from server.scrape import CountersCollector
from server.shadow import LONGEST_ROW_S
from server.traffic import WHOLE, Share
from tests.server.asking import CODES, MOST_ROWS, own
from tests.server.conftest import Measured, law
from tests.server.literal import model, number
from tests.server.shadowed import ANSWERED, INSIDE, OUTSIDE, SHADOW, SPLIT, World, broken


@pytest.fixture
def world(scoring: Scoring, registry: Registry, measured: Measured) -> World:
    """Everything."""
    return World(scoring, registry, measured)


def test_differences(world: World) -> None:
    """Each request is scored by the shadow too, once there is time, and what differs is counted by head."""
    assert [world.ask(visitor) for visitor in ("", "v1")] == [1, 1]
    assert (len(world.copies), world.counts) == (2, (0, 0, 0))
    world.work()
    assert (len(world.copies), world.counts) == (0, (2, 0, 0))
    assert [world.head(name) for name in ("value", "buys_7d", "spend_30d")] == [(2, 2, 0), (2, 0, 0.5), (2, 0, 4)]


def test_no_difference(world: World) -> None:
    """A shadow that says the same differs nowhere."""
    world.publish(score=ANSWERED)
    world.ask()
    world.work()
    assert [world.head(name) for name in ("value", "buys_7d", "spend_30d")] == [(1, 0, 0)] * 3


def test_the_shadow_answers_nobody(world: World) -> None:
    """Its rows are none of those that were answered."""
    world.ask()
    world.work()
    shown = [world.measured.sample("audience_rows_total", model="shop", version=version) for version in "123"]
    assert shown == [1, 0, 0]


def test_part_of_the_requests(world: World) -> None:
    """Of all requests those few get to the shadow that it was given basis points for, the same visitor's or not."""
    world.publish(shadow=Share("next", 1_000))
    for _ in range(100):
        world.ask("v1")
    assert abs(len(world.copies) - 10) <= 1


@pytest.mark.parametrize(
    ("visitor", "selector", "version"),
    [
        (INSIDE, {"version": 1}, 1),
        (INSIDE, {"label": "canary"}, 2),
        (OUTSIDE, {"label": "next"}, 3),
        (OUTSIDE, {"version": 3}, 3),
    ],
)
def test_who_asks_for_a_version(world: World, visitor: str, selector: dict[str, Any], version: int) -> None:
    """Requests that ask for a version or a label are not copied."""
    world.publish(split=SPLIT)
    for _ in range(2):
        assert world.ask(visitor, **selector) == version
    assert len(world.copies) == 0


@pytest.mark.parametrize(("visitor", "version"), [(INSIDE, 2), (OUTSIDE, 1)])
def test_shares(world: World, visitor: str, version: int) -> None:
    """Those who get a share's version are, and compared with what they got."""
    world.publish(split=SPLIT)
    assert world.ask(visitor, heads=["value"]) == version
    world.work()
    assert (world.counts, world.head("buys_7d")) == ((1, 0, 0), (1, 0, 0.25))


def test_a_share_of_the_shadow(world: World) -> None:
    """Who is answered with the very version that is the shadow is not compared with themselves."""
    world.publish(split=(Share("next", 5_000),))
    assert [world.ask(visitor) for visitor in (INSIDE, OUTSIDE)] == [3, 1]
    assert len(world.copies) == 1


def test_holdout(world: World) -> None:
    """Who is in the holdout is not scored, by nobody."""
    world.publish(holdout=5_000)
    for visitor in (INSIDE, OUTSIDE):
        world.ask(visitor)
    assert len(world.copies) == 1


def test_late(world: World) -> None:
    """A request that came too late to be scored is not copied, nor one that failed."""
    request = scoring_pb2.ScoreRequest(when_late=scoring_pb2.WHEN_LATE_ANSWER_PRIOR).SerializeToString()
    world.scoring.late_score(world.scoring.prepare_score(request))
    assert len(world.copies) == 0


def test_batch(world: World) -> None:
    """Rows of a batch are copied one by one, each with its own scores, whatever version answers it."""

    def by_visits(block: FloatMatrix) -> FloatMatrix:
        return np.column_stack([block * 0, block[:, 1] * 0, block[:, 1]])

    world.publish(split=SPLIT, score=by_visits)
    given = [Features(numbers={"visits": visits}) for visits in (10, 20, 40)]
    world.scoring.finish_batch(world.prepare_batch(*given, visitors=[OUTSIDE, INSIDE, OUTSIDE]))
    assert len(world.copies) == 3
    world.work()
    assert (world.counts, world.head("spend_30d")) == ((3, 0, 0), (3, 0, 40))


def test_full(world: World) -> None:
    """What there is no room for is dropped and counted; the others are scored."""
    for _ in range(MOST_COPIES + 3):
        world.ask()
    assert (len(world.copies), world.counts) == (MOST_COPIES, (0, 3, 0))
    world.work()
    assert world.counts == (MOST_COPIES, 3, 0)


def test_other_features(world: World) -> None:
    """The shadow reads what the caller sent, which may be of its own schema: features too that the other lacks."""
    seen: list[list[float]] = []

    def score(block: FloatMatrix) -> FloatMatrix:
        seen.extend(block.tolist())
        return SHADOW(block)

    shadow = model("shop", 3, number("visits", "visits"), number("new"), score=score)
    world.publish(beside=shadow)
    fingerprint = shadow.description.schema.fingerprint
    for features in (own(1, 2), Features(vector=[3, 4], schema_fingerprint=fingerprint), Features()):
        world.ask(features=features)
    world.ask(features=Features(numbers={"visits": 5}))
    world.work()
    assert (seen, world.counts) == ([[2, 0], [3, 4], [0, 0], [5, 0]], (4, 0, 0))


def test_features_of_a_selector(world: World) -> None:
    """A selector's own features are those that its answer was made of."""
    seen: list[list[float]] = []

    def score(block: FloatMatrix) -> FloatMatrix:
        seen.extend(block.tolist())
        return SHADOW(block)

    world.publish(score=score)
    world.ask(model="shop", features=own(7, 8))
    world.work()
    assert seen == [[7, 8]]


def test_failure(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A shadow that fails is counted, said once, and hurts nobody."""
    world.publish(score=broken)
    for _ in range(20):
        assert world.ask() == 1
        world.work()
    world.publish(score=broken)
    world.ask()
    world.work()
    assert world.counts == (0, 0, 21)
    assert [(line.levelno, line.msg) for line in caplog.records] == [
        (logging.WARNING, "shadow failed; nobody is answered with it")
    ]


def test_only_what_is_wrong_fails(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Of several rows the shadow scores those that it can; what it cannot read, check or name is a failure each."""

    def score(block: FloatMatrix) -> FloatMatrix:
        scores = SHADOW(block)
        scores[block[:, 0] == 9, 0] = 7  # there is no such segment
        return scores

    world.publish(beside=model("shop", 3, number("visits", "visits"), score=score), knows_others=False)
    known = Features(numbers={"visits": 1})
    unknown = Features(numbers={"recency_days": 1})
    for features in (known, known, unknown, Features(numbers={"visits": 9}), known):
        world.ask(features=features)
    world.work()
    assert world.counts == (3, 0, 2)
    assert world.head("value") == (3, 3, 0)
    (line,) = caplog.records
    assert "recency_days" in line.__dict__["reason"]


def test_swap(world: World) -> None:
    """Copies for a shadow that is none any more are dropped: its version may be gone."""
    world.ask()
    world.publish(shadow=Share("canary", WHOLE))
    world.ask()
    world.work()
    assert world.counts == (0, 1, 0)
    assert world.measured.sample("audience_shadow_rows_total", model="shop", version="2") == 1


def test_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece of work is one row at first and never more than a few, so that nobody who comes then waits long."""
    sizes: list[int] = []

    def score(block: FloatMatrix) -> FloatMatrix:
        sizes.append(len(block))
        return SHADOW(block)

    world.publish(score=score)
    still = Copies(world.registry, clock_s=lambda: 0.0)
    monkeypatch.setattr(world.scoring, "copies", still)
    for _ in range(20):
        world.ask()
    world.work()
    assert sizes == [1, 8, 8, 3]


def test_slow(world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A shadow that would keep others waiting is left out, and said so, until versions change."""
    now_s = [0.0]

    def score(block: FloatMatrix) -> FloatMatrix:
        now_s[0] += 2 * LONGEST_ROW_S * len(block)
        return SHADOW(block)

    world.publish(score=score)
    monkeypatch.setattr(world.scoring, "copies", Copies(world.registry, clock_s=lambda: now_s[0]))
    for _ in range(10):
        world.ask()
    world.work()
    assert world.ask() == 1
    assert (len(world.copies), world.counts) == (0, (3, 8, 0))
    assert [line.msg for line in caplog.records] == [
        "shadow left out; a row takes it longer than others can be kept waiting"
    ]
    world.publish()
    world.ask()
    world.work()
    assert world.counts == (4, 8, 0)


def test_nothing_to_do(world: World) -> None:
    """Work without any does nothing."""
    world.copies.work()
    assert world.counts == (0, 0, 0)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One for all examples of a law."""
    counters = Counters.create(tmp_path_factory.mktemp("counters") / "counters", Shape(rows=2))
    collected = CollectorRegistry()
    collected.register(CountersCollector(counters))
    metrics = Metrics(counters.row(0))
    registry = Registry(metrics)
    measured = Measured(counters, collected, metrics, Lifecycle(counters.row(1), collected))
    scoring = Scoring(registry, most_rows=MOST_ROWS, error_code=lambda error: CODES[type(error)])
    return World(scoring, registry, measured)


@settings(law, max_examples=40)
@given(st.lists(st.sampled_from(["ask", "ask", "many", "work", "swap", "break", "mend"]), max_size=10))
def test_nothing_is_lost(shared: World, steps: Sequence[str]) -> None:
    """Whatever comes when, each copy is scored, dropped or failed, once; no more wait than there is room for."""
    before, copied = sum(shared.counts), 0
    shared.publish()
    for step in steps:
        if step in {"ask", "many"}:
            count = 1 if step == "ask" else MOST_COPIES // 2
            assert {shared.ask() for _ in range(count)} == {1}
            copied += count
        elif step == "work":
            shared.copies.work()
        else:
            shared.publish(score=broken if step == "break" else SHADOW)
        assert len(shared.copies) <= MOST_COPIES
    assert sum(shared.counts) - before + len(shared.copies) == copied
    shared.work()
    assert sum(shared.counts) - before == copied
