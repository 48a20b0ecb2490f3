"""What is told of a model."""

from dataclasses import replace

import pytest

from protos.audience.v1 import bundle_pb2
from protos.audience.v1.models_pb2 import VersionState
from protos.audience.v1.policy_pb2 import Policy
from server.administration.state import model_state
from server.overview import ModelStatus
from tests.server.administration.follower import traffic_of
from tests.server.literal import category, number, schema

VISITS = number("visits", "visits")
DEVICE = category("device", ("phone", "tablet"))


@pytest.mark.parametrize(
    ("features", "new"),
    [
        ((VISITS, DEVICE), []),
        ((DEVICE, VISITS), []),
        ((VISITS,), []),
        ((VISITS, number("returns"), DEVICE), ["returns"]),
        ((number("visits", "visits a day"), category("device", ("watch",))), ["visits"]),
        ((category("visits", ("few", "many")), DEVICE), ["visits"]),
    ],
)
def test_new_features(features: tuple[bundle_pb2.Feature, ...], new: list[str]) -> None:
    """Those that a vector of the version that serves does not give: without the name, or of another kind or unit."""
    schemas = {1: schema(*features), 2: schema(VISITS, DEVICE)}
    state = model_state("shop", ModelStatus(2, (1, 2), {}), replace(traffic_of(Policy()), schemas=schemas), lambda _: 0)
    assert {version.version: list(version.new_features) for version in state.versions} == {1: new, 2: []}


def test_features_that_are_not_known() -> None:
    """Of a version whose files are gone nothing is said to be new."""
    traffic = replace(traffic_of(Policy()), schemas={1: schema(VISITS)})
    state = model_state("shop", ModelStatus(2, (1,), {}), traffic, lambda _: 0)
    assert [list(version.new_features) for version in state.versions] == [[], []]


def test_where_versions_are() -> None:
    """On disk, on its way, loaded, refused; one that is loaded and damaged on disk is loaded, with the reason."""
    traffic = replace(traffic_of(Policy(labels={"stable": 1, "b": 2, "a": 2})), loading=frozenset({2}), since_ms={1: 5})
    status = ModelStatus(1, (1, 3, 4), {1: "cut", 3: "cut"})
    state = model_state("shop", status, traffic, lambda version: version)
    assert [(one.version, one.state, one.reason, list(one.labels), one.since_ms) for one in state.versions] == [
        (4, VersionState.STATE_ON_DISK, "", [], 0),
        (3, VersionState.STATE_REFUSED, "cut", [], 0),
        (2, VersionState.STATE_LOADING, "", ["a", "b"], 0),
        (1, VersionState.STATE_LOADED, "cut", ["stable"], 5),
    ]
