import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.bundle import read_bundle
from server.model import load_model
from tests.benchmarks import graph, processor, swap
from tests.benchmarks.editions import Shelf, with_same_rows
from tests.benchmarks.figures import Figure
from tests.benchmarks.graph import Bundle, Recipe
from tests.benchmarks.spread import spread
from tests.benchmarks.stretches import Kind
from tests.benchmarks.swapping import Plan

RECIPES = (Recipe("small", 10, 400), Recipe("small", 10, 400, 1))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where small graphs are made, once."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def bundles(work: Path) -> Sequence[Bundle]:
    """Two small variants."""
    return with_same_rows([graph.made(recipe, work) for recipe in RECIPES])


def test_variants_share_rows_and_differ_in_scores(bundles: Sequence[Bundle]) -> None:
    """Otherwise nobody could tell by its scores which of them answered."""
    first, second = bundles

    assert (first.features == second.features).all()
    assert first.manifest.schema.fingerprint == second.manifest.schema.fingerprint
    assert (abs(first.scores - second.scores).max(axis=1) > 1e-3).all()


def test_version_is_published_whole_and_removed(bundles: Sequence[Bundle], tmp_path: Path) -> None:
    """A server takes a version under its new number, by its own checks; prepared, it is not in the repository yet."""
    shelf = Shelf(tmp_path / "shelf", bundles)
    shelf.prepare(7)
    assert list(shelf.model.iterdir()) == []
    shelf.publish(7)

    model = load_model(read_bundle(shelf.model / "7"), largest_batch=1)

    assert model.version == 7
    assert shelf.bundle(7) is bundles[0]
    shelf.remove(7)
    assert list(shelf.model.iterdir()) == []


def test_plan_has_both_ways_in_turn() -> None:
    """All swaps are in it, and versions enough for those that publish."""
    plan = Plan(swaps=50, stretch_swaps=20, seconds_each=1)

    assert plan.stretches() == [(Kind.PUBLISH, 20), (Kind.LABEL, 20), (Kind.PUBLISH, 10)]
    assert plan.versions() == 32


def test_failed_request_is_no_success() -> None:
    """The exit status says whether somebody was failed or misled, whatever the speed."""
    good = [Figure("swap_failed_requests", "", spread([0])), Figure("swap_mixed_replies", "", spread([0]))]
    slow = Figure("publish_p999_over_quiet", "", spread([100.0]))

    assert swap.is_good([*good, slow])
    assert not swap.is_good([good[0], Figure("swap_mixed_replies", "", spread([1]))])


@pytest.mark.usefixtures("bundles")
def test_swaps_under_load(work: Path) -> None:
    """A few swaps in both ways: nobody is failed, no reply mixes versions, and each figure has a number."""
    plan = Plan(swaps=4, stretch_swaps=2, seconds_each=0.5, settle_s=0.1)
    patient = ("--max-wait-ms", "20000")  # on a busy machine too
    asked = swap.Options(plan=plan, rate_hz=100, record=work / "unused.json", deadline_s=60, flags=patient)

    found = swap.measure(RECIPES, asked, processor.available(), lambda _: None, work)

    assert swap.is_good(found)
    assert {one.name: one.measured is None for one in found if one.name.endswith("_p999_over_quiet")} == {
        "publish_p999_over_quiet": False,
        "label_p999_over_quiet": False,
    }
    assert not (work / "swap").exists()


def test_flags_say_how_often() -> None:
    """By default 200 swaps, one a second; a quick look has 20."""
    assert swap.parse([]).plan == Plan(swaps=200, stretch_swaps=10, seconds_each=1)
    assert swap.parse(["--quick"]).plan.swaps == 20
    assert json.dumps(swap.parse(["--rate", "5000"]).rate_hz) == "5000"
