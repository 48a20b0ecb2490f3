import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.counters import Counters, Shape
from server.errors import AudienceError, InvalidRequest, UnknownHead, UnknownModel
from server.metrics import Metrics
from server.plan import MOST_SELECTORS, Failure, Part, Plan, Plans
from server.registry import Registry
from server.served import Held, Target
from tests.server.conftest import law
from tests.server.literal import model

pytestmark = pytest.mark.usefixtures("with_app")

MANY = 3000  # different ways to ask the same
Said = tuple[str, str]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Two models, for all examples of a law."""
    counters = Counters.create(tmp_path_factory.mktemp("counters") / "counters", Shape(rows=1))
    registry = Registry(Metrics(counters.row(0)))
    registry.publish([model(name) for name in ("shop", "app")], {}, frozenset({"soon"}))
    return registry


def ask(*selectors: Selector) -> list[bytes]:
    """Selectors as a request has them."""
    return [selector.SerializeToString() for selector in selectors]


def said(part: Part) -> Said:
    """What the part is: the model and its reply for anybody, which shows the heads, or what is wrong."""
    assert not isinstance(part, Held)
    if isinstance(part, Failure):
        return part.model, f"{type(part.error).__name__}: {part.error}"
    return part.served.model.name, part.encode_prior(scoring_pb2.DEGRADATION_LATE).hex()


def found(plans: Plans, selectors: Sequence[bytes]) -> tuple[Sequence[Said], Sequence[tuple[Said, str]]] | str:
    """What comes of these selectors: a plan, or what is wrong with all of them."""
    try:
        plan = plans.find(selectors)
    except AudienceError as error:
        return f"{type(error).__name__}: {error}"
    parts = plan.parts(b"")
    return [said(part) for part in parts], [(said(part), str(own)) for part, own in zip(parts, plan.own, strict=True)]


texts = st.sampled_from(["", "shop", "app", "soon", "web"])
heads = st.lists(st.sampled_from(["value", "buys_7d", "spend_30d", "value_90d"]), max_size=2)
features = st.none() | st.builds(Features, numbers=st.just({"visits": 1.0}))
versions = st.none() | st.integers(0, 2)
selectors = st.builds(Selector, model=texts, version=versions, heads=heads, features=features)
encoded = selectors.map(Selector.SerializeToString) | st.binary(max_size=3)


@law
@given(st.lists(st.lists(encoded, max_size=3), min_size=1, max_size=6))
def test_a_kept_plan_is_what_a_fresh_one_is(two: Registry, asked: Sequence[Sequence[bytes]]) -> None:
    """Whatever was asked before, the same selectors get the same models, heads, features and refusals."""
    plans = Plans(two.current)
    for one in [*asked, *asked]:
        assert found(plans, one) == found(Plans(two.current), one)


def test_plans_are_kept(registry: Registry) -> None:
    """Who asks the same again gets the very plan; in another order, or of other heads, it is another."""
    plans = Plans(registry.current)
    shop, app = Selector(model="shop"), Selector(model="app")
    plan = plans.find(ask(shop, app))
    assert plans.find(ask(shop, app)) is plan
    assert plans.find(ask(app, shop)) is not plan
    assert plans.find(ask(shop)) is not plan


def kept_count(plans: Plans) -> int:
    """How many plans are kept."""
    return len(plans._kept)  # noqa: SLF001  # memory shows no other way


def test_memory_is_bounded(registry: Registry) -> None:
    """However many ways to ask somebody thinks of, only so many are kept, and a usual one is soon there again."""
    plans = Plans(registry.current)
    usual = ask(Selector(model="shop"))
    for number in range(MANY):
        plans.find([*usual, *ask(Selector(model=f"m{number}"))])
        assert kept_count(plans) <= 1024
    assert plans.find(usual) is plans.find(usual)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Selector(model="x" * 10_000), id="name"),
        pytest.param(Selector(model="shop", heads=["value"] * 2000), id="heads"),
        pytest.param(Selector.FromString(b"\x0a\x04shop\x9a\x06\xa8\x46" + b"x" * 9000), id="future"),
        pytest.param(Selector(model="shop", features=Features(numbers={"visits": 1})), id="features of its own"),
        pytest.param(Selector(model="shop", features=Features()), id="features of its own, though empty"),
        pytest.param(Selector(model="web", features=Features()), id="features for nobody"),
    ],
)
def test_what_is_not_kept(registry: Registry, other: Selector) -> None:
    """Selectors that are very long, or have features, which differ each time, are resolved each time."""
    plans = Plans(registry.current)
    usual = Selector(model="shop")
    asked = ask(usual, other)
    assert plans.find(asked) is not plans.find(asked)
    assert kept_count(plans) == 0


def test_heads_are_asked_once_each_in_order(registry: Registry) -> None:
    """Those that were named, in the caller's order; all of them, in the manifest's, when none was."""
    plans = Plans(registry.current)

    def names(*heads_: str) -> list[str]:
        (target,) = plans.find(ask(Selector(model="shop", heads=heads_))).parts(b"")
        assert isinstance(target, Target)
        return [head.name for head in target._heads]  # noqa: SLF001  # bytes of a reply have no order to speak of

    assert names("spend_30d", "value", "spend_30d") == ["spend_30d", "value"]
    assert names() == ["value", "buys_7d", "spend_30d"]


@pytest.mark.parametrize(
    ("asked", "error", "reason"),
    [
        (ask(*[Selector(model="shop")] * 17), InvalidRequest, "the request has 17 selectors; at most 16"),
        ([b"\xff"], InvalidRequest, "the 1 bytes of the message are no audience.v1.Selector"),
        (ask(Selector(model="web"), Selector(model="soon")), UnknownModel, "no model 'web'"),
        (ask(Selector(model="shop", heads=["x"])), UnknownHead, "has no head 'x'; its heads are value, buys_7d"),
        ([], InvalidRequest, "there are several: app, shop"),
    ],
)
def test_what_has_no_plan(registry: Registry, asked: list[bytes], error: type[AudienceError], reason: str) -> None:
    """Wrong selectors, and those of which none can be answered, raise, each time."""
    plans = Plans(registry.current)
    for _ in range(2):
        with pytest.raises(error, match=reason):
            plans.find(asked)
    assert kept_count(plans) == 0
    assert len(plans.find(ask(*[Selector(model="shop")] * MOST_SELECTORS)).asked) == MOST_SELECTORS


def test_plans_never_change(registry: Registry) -> None:
    """A plan is for many requests."""
    plan = Plans(registry.current).find(ask(Selector(model="shop")))
    assert isinstance(plan, Plan)
    assert isinstance(plan.asked[0], Target)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.asked = ()  # type: ignore[misc]  # that is the point
