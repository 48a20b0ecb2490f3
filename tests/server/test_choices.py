"""What a selector gets where that depends on the visitor."""

import pytest

from protos.audience.v1.scoring_pb2 import Selector
from server.errors import AudienceError, InvalidRequest, UnknownHead, UnknownModel
from server.metrics import Metrics
from server.plan import Choice, Failure, Plan, Plans
from server.served import Held, Target
from server.traffic import Route, Share
from tests.server.routed import EVEN, TARGETS, registry_of, visitor_of

SHARES = ("", "canary", "next")


def plan(metrics: Metrics, route: Route, *selectors: Selector) -> Plan:
    """What these selectors ask for."""
    return Plans(registry_of(metrics, route).current).find([selector.SerializeToString() for selector in selectors])


def version(metrics: Metrics, route: Route, selector: Selector, visitor: str) -> int:
    """The version that the visitor gets; negative when they are held out."""
    (part,) = plan(metrics, route, selector).parts(visitor.encode())
    if isinstance(part, Held):
        return -part.target.served.model.version
    assert isinstance(part, Target)
    return part.served.model.version


def test_shares(metrics: Metrics) -> None:
    """Each visitor gets the version of their share; one who asks for a version or a label gets that."""
    for share, expected in zip(SHARES, (1, 2, 3), strict=True):
        visitor = visitor_of(EVEN, share)
        assert version(metrics, EVEN, Selector(), visitor) == expected
        assert version(metrics, EVEN, Selector(version=2), visitor) == 2
        assert version(metrics, EVEN, Selector(label="next"), visitor) == 3
    assert version(metrics, EVEN, Selector(), "") == 1


def test_holdout(metrics: Metrics) -> None:
    """Who is held out is so of whatever version they would have got; nobody without an identifier is."""
    for share, expected in zip(SHARES, (1, 2, 3), strict=True):
        visitor = visitor_of(EVEN, share, is_held_out=True)
        assert version(metrics, EVEN, Selector(), visitor) == -expected
        assert version(metrics, EVEN, Selector(version=2), visitor) == -2
        assert version(metrics, EVEN, Selector(label="next"), visitor) == -3
    assert version(metrics, EVEN, Selector(label="next"), "") == 3


@pytest.mark.parametrize(
    ("route", "selector", "is_fixed"),
    [
        (Route(TARGETS), Selector(), True),
        (Route(TARGETS, split=(Share("canary", 1),)), Selector(), False),
        (Route(TARGETS, split=(Share("canary", 1),)), Selector(version=1), True),
        (Route(TARGETS, split=(Share("canary", 1),)), Selector(label="stable"), True),
        (Route(TARGETS, holdout=1), Selector(), False),
        (Route(TARGETS, holdout=1), Selector(version=1), False),
        (Route(TARGETS, holdout=1), Selector(label="stable"), False),
    ],
)
def test_only_where_it_matters(metrics: Metrics, route: Route, selector: Selector, *, is_fixed: bool) -> None:
    """Where every visitor gets the same, nobody's share is looked for."""
    found = plan(metrics, route, selector)
    assert (found.is_fixed, isinstance(found.asked[0], Target)) == (is_fixed, is_fixed)
    if is_fixed:
        assert found.parts(b"v1") is found.asked


def test_version_and_label(metrics: Metrics) -> None:
    """To ask for both is a mistake, also where they agree, and also beside a selector that is right."""
    both = Selector(version=2, label="canary")
    for selectors in ([both], [Selector(), both], [Selector(model="web", version=1, label="x")]):
        with pytest.raises(InvalidRequest, match="a selector has a version and a label; give one of them"):
            plan(metrics, EVEN, *selectors)


@pytest.mark.parametrize(
    ("selector", "error", "reason"),
    [
        (Selector(label="x"), UnknownModel, "has the label 'x'; its labels are canary, next, stable"),
        (Selector(version=4), UnknownModel, "serves versions 1, 2, 3; version 4 is not loaded"),
        (Selector(version=2, heads=["value"]), UnknownHead, "no head 'value'; its heads are style, buys_7d"),
        (Selector(label="canary", heads=["value"]), UnknownHead, "no head 'value'; its heads are style, buys_7d"),
        (Selector(heads=["style"]), UnknownHead, "no head 'style'; its heads are value, buys_7d"),
    ],
)
def test_what_is_not_there(metrics: Metrics, selector: Selector, error: type[AudienceError], reason: str) -> None:
    """It fails alone, and beside others by itself."""
    with pytest.raises(error, match=reason):
        plan(metrics, EVEN, selector)
    failed, answered = plan(metrics, EVEN, selector, Selector()).asked
    assert isinstance(failed, Failure)
    assert isinstance(answered, Choice)


def test_head_that_a_shares_version_lacks(metrics: Metrics) -> None:
    """Its visitors get what everybody gets, so that a share breaks nobody's requests; other heads are its own."""
    visitor = visitor_of(EVEN, "canary")
    assert version(metrics, EVEN, Selector(heads=["value"]), visitor) == 1
    assert version(metrics, EVEN, Selector(heads=["buys_7d"]), visitor) == 2
    assert version(metrics, EVEN, Selector(heads=["value"]), visitor_of(EVEN, "next")) == 3
    assert version(metrics, EVEN, Selector(heads=["value"]), visitor_of(EVEN, "canary", is_held_out=True)) == -1


def test_share_of_a_version_that_is_not_loaded(metrics: Metrics) -> None:
    """Its visitors get what everybody gets, and others their own share still."""
    route = Route({**TARGETS, "canary": 9}, "stable", EVEN.split, "s")
    assert version(metrics, route, Selector(), visitor_of(route, "canary")) == 1
    assert version(metrics, route, Selector(), visitor_of(route, "next")) == 3
