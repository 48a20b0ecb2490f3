"""A model's state for people."""

from protos.audience.v1.models_pb2 import ModelState, VersionState
from protos.audience.v1.policy_pb2 import Holdout, Policy, Shadow, Share
from server.administration.table import describe

BUSY = ModelState(
    model="shop",
    versions=[
        VersionState(version=12, state=VersionState.STATE_REFUSED, reason="model.onnx was altered or cut"),
        VersionState(version=11, state=VersionState.STATE_LOADING, labels=["next"]),
        VersionState(
            version=10,
            state=VersionState.STATE_LOADED,
            labels=["canary"],
            since_ms=1_700_000_000_999,
            rows=51,
            new_features=["returns", "device"],
            unapproved="takes the label 'stable' only when Ada approved it; nobody\nhas",
        ),
        VersionState(version=9, state=VersionState.STATE_LOADED, labels=["stable"], rows=1_234_567),
        VersionState(version=8, state=VersionState.STATE_ON_DISK),
    ],
    targets={"": 9, "stable": 9, "canary": 10},
    policy=Policy(
        split=[Share(label="canary", basis_points=500), Share(label="next", basis_points=25)],
        shadow=Shadow(label="next", basis_points=10_000),
        holdout=Holdout(basis_points=100),
    ),
    bad_policy="it is no policy:\n of 2 lines",
    behind={1: "no room", 0: "not tried yet"},
)


def test_busy_model() -> None:
    """A line for each version, the newest first, and one for everything else that there is to know."""
    assert describe(BUSY) == (
        "shop\n"
        "  version  state    labels            since (UTC)          visitors\n"
        "  12       refused                                         0          model.onnx was altered or cut\n"
        "  11       loading  next                                   0\n"
        "  10       loaded   canary            2023-11-14 22:13:20  51\n"
        "  9        loaded   stable, (serves)                       1,234,567\n"
        "  8        on disk                                         0\n"
        "  split: canary 5 %, next 0.25 %\n"
        "  shadow: next, of 100 % of the requests\n"
        "  holdout: 1 % of the visitors\n"
        "  version 10 has new features: returns, device\n"
        "  version 10 takes the label 'stable' only when Ada approved it; nobody has\n"
        "  policy refused: it is no policy: of 2 lines\n"
        "  worker 0 is behind: not tried yet\n"
        "  worker 1 is behind: no room\n"
    )


def test_model_of_which_nothing_is_there() -> None:
    """Its name, and the table's head."""
    assert describe(ModelState(model="shop")) == "shop\n  version  state  labels  since (UTC)  visitors\n"


def test_model_that_is_unloaded() -> None:
    """It says so, since no label explains it."""
    text = describe(ModelState(model="shop", policy=Policy(unloaded=True)))
    assert text.endswith("\n  unloaded: no version is loaded, whatever has a label\n")
