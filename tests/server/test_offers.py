"""Several versions of a model at once: by number, by label, and by default."""

import pytest

from server.errors import UnknownModel
from server.metrics import Metrics
from server.registry import Offer, Registry
from server.traffic import Route
from tests.server.literal import model


def offer(metrics: Metrics, versions: list[int], route: Route | None = None) -> Offer:
    """These versions of "shop"."""
    registry = Registry(metrics)
    routes = {} if route is None else {"shop": route}
    registry.publish([model("shop", version) for version in versions], {}, frozenset(), routes)
    return registry.current.offer("shop")


def test_versions_are_found(metrics: Metrics) -> None:
    """Each by its number and by its labels, whatever is the default."""
    both = offer(metrics, [1, 2, 3], Route({"": 2, "stable": 2, "canary": 3, "also": 3}, "stable"))
    assert [both.find(version).model.version for version in (1, 2, 3)] == [1, 2, 3]
    assert [both.labelled(label).model.version for label in ("stable", "canary", "also")] == [2, 3, 3]
    assert both.default is both.find(2) is both.labelled("stable")


def test_default_without_a_route(metrics: Metrics) -> None:
    """The newest, in whatever order they were published."""
    assert offer(metrics, [2, 10, 9]).default.model.version == 10


def test_route_of_what_is_not_loaded(metrics: Metrics) -> None:
    """Labels of versions that are not there are unknown, and everybody gets the newest."""
    there = offer(metrics, [1, 2], Route({"": 3, "stable": 3, "canary": 1}, "stable"))
    assert (there.route.targets, there.route.default_label) == ({"": 2, "canary": 1}, "")
    with pytest.raises(UnknownModel, match=r"has the label 'stable'; its labels are canary$"):
        there.labelled("stable")


@pytest.mark.parametrize(
    ("versions", "version", "reason"),
    [
        ([4], 5, "model 'shop' serves version 4; version 5 is not loaded"),
        ([10, 9, 4], 5, "model 'shop' serves versions 4, 9, 10; version 5 is not loaded"),
    ],
)
def test_version_that_is_not_loaded(metrics: Metrics, versions: list[int], version: int, reason: str) -> None:
    """It is unknown, with those that are loaded in order."""
    with pytest.raises(UnknownModel) as caught:
        offer(metrics, versions).find(version)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("targets", "label", "reason"),
    [
        ({"": 1}, "canary", "has the label 'canary'; its labels are none"),
        ({"": 1, "stable": 1, "next": 1}, "canary", "has the label 'canary'; its labels are next, stable"),
        ({"": 1}, "x" * 9999, f"has the label '{'x' * 64}'; its labels are none"),
    ],
)
def test_unknown_label(metrics: Metrics, targets: dict[str, int], label: str, reason: str) -> None:
    """It is unknown, with those that there are."""
    with pytest.raises(UnknownModel) as caught:
        offer(metrics, [1], Route(targets)).labelled(label)
    assert str(caught.value) == f"no version of model 'shop' {reason}"


def test_models_share_no_labels(metrics: Metrics) -> None:
    """A route is one model's."""
    registry = Registry(metrics)
    routes = {"shop": Route({"": 1, "canary": 2}, "")}
    registry.publish([model("shop", 1), model("shop", 2), model("app", 3)], {}, frozenset(), routes)
    assert {name: served.model.version for name, served in registry.current.served.items()} == {"shop": 1, "app": 3}
    with pytest.raises(UnknownModel, match="its labels are none"):
        registry.current.offer("app").labelled("canary")
