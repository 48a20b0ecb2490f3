"""What the selectors of a request ask for, resolved once for all requests that ask the same of the same models."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from protos.audience.v1 import scoring_pb2
from server.errors import AudienceError, InvalidRequest, NoModelReady, UnknownHead, UnknownModel
from server.heads import Head
from server.registry import Offer, Snapshot
from server.requests import parse_selector
from server.served import Held, Served, Target
from server.shadow import Shadow
from server.traffic import NO_LABEL, Route

MOST_SELECTORS = 16
# Nobody asks in more ways, or at greater length, but somebody may try to fill the memory.
_MOST_PLANS = 1024  # kept at once
_LONGEST_KEPT_BYTES = 4096  # of a plan's selectors

_THE_ONLY_MODEL = scoring_pb2.Selector()


@dataclass(frozen=True, slots=True)
class Failure:
    """What one selector gets when its model cannot answer."""

    model: str
    error: AudienceError


Part: TypeAlias = Target | Held | Failure


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What a selector gets where that depends on the visitor.

    Attributes:
        route: who gets which.
        targets: by the label of a share, "" for those who are in none.
    """

    route: Route
    targets: Mapping[str, Target]

    def of(self, visitor: bytes) -> Target | Held:
        """What the visitor with this identifier gets, always the same while the policy stays."""
        target = self.targets[self.route.share_of(visitor)]
        return target.held if self.route.is_held_out(visitor) else target


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a request asks for.

    Attributes:
        asked: one for each selector, in their order; at least one is no failure.
        own: each selector's own features as they came, None where it has none.
        is_fixed: whether every visitor gets the same.
    """

    asked: Sequence[Part | Choice]
    own: Sequence[bytes | None]
    is_fixed: bool

    def parts(self, visitor: bytes) -> Sequence[Part]:
        """What the visitor with this identifier gets, for each selector."""
        if self.is_fixed:
            return self.asked  # type: ignore[return-value]  # there is no choice among them
        return [part.of(visitor) if isinstance(part, Choice) else part for part in self.asked]


class Plans:
    """Finds the plans of one snapshot, and keeps them.

    Args:
        snapshot: what serves.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._kept: dict[tuple[bytes, ...], Plan] = {}

    def find(self, selectors: Iterable[bytes]) -> Plan:
        """The plan for these selectors, each a serialized Selector.

        Raises:
            InvalidRequest: there are too many, one is not a Selector, or one names no model among several.
            AudienceError: none of them can be answered; the first one's reason.
        """
        key = tuple(selectors)
        plan = self._kept.get(key)
        if plan is None:
            parsed = _parsed(key)
            plan = _make(self._snapshot, parsed)
            has_features = any(selector.HasField("features") for selector in parsed)
            if not has_features and sum(map(len, key)) <= _LONGEST_KEPT_BYTES:
                self._keep(key, plan)
        return plan

    def _keep(self, key: tuple[bytes, ...], plan: Plan) -> None:
        if len(self._kept) >= _MOST_PLANS:  # those that are still asked for are soon back
            self._kept.clear()
        self._kept[key] = plan


def _parsed(key: tuple[bytes, ...]) -> Sequence[scoring_pb2.Selector]:
    if len(key) > MOST_SELECTORS:
        raise InvalidRequest(f"the request has {len(key)} selectors; at most {MOST_SELECTORS} are taken")
    return [parse_selector(selector) for selector in key] or [_THE_ONLY_MODEL]


def _make(snapshot: Snapshot, selectors: Sequence[scoring_pb2.Selector]) -> Plan:
    asked = [_part(snapshot, selector) for selector in selectors]
    errors = [part.error for part in asked if isinstance(part, Failure)]
    if len(errors) == len(asked):
        raise errors[0]
    own = [selector.features.SerializeToString() if selector.HasField("features") else None for selector in selectors]
    return Plan(asked, own, is_fixed=not any(isinstance(part, Choice) for part in asked))


def _part(snapshot: Snapshot, selector: scoring_pb2.Selector) -> Target | Choice | Failure:
    """What the selector gets. A model that cannot answer is a part of its own; a wrong request raises."""
    if selector.HasField("version") and selector.label:
        raise InvalidRequest("a selector has a version and a label; give one of them")
    try:
        return _found(snapshot.offer(selector.model), selector)
    except (UnknownModel, UnknownHead, NoModelReady) as error:
        return Failure(selector.model, error)


def _found(offer: Offer, selector: scoring_pb2.Selector) -> Target | Choice:
    route = offer.route

    def target(served: Served, label: str, shadow: Shadow | None = None) -> Target:
        is_another = shadow is not None and shadow.version != served.model.version
        return Target(served, _heads(served, selector.heads), label, shadow if is_another else None)

    if selector.HasField("version"):
        targets = {NO_LABEL: target(offer.find(selector.version), NO_LABEL)}
    elif selector.label:
        targets = {NO_LABEL: target(offer.labelled(selector.label), selector.label)}
    else:
        everybody = target(offer.default, route.default_label, offer.shadow)
        targets = {NO_LABEL: everybody}
        for label in [share.label for share in route.split]:
            targets[label] = everybody  # while the share's version is not loaded
            if label in route.targets:
                with contextlib.suppress(UnknownHead):  # a share of the visitors must not break what works for the rest
                    targets[label] = target(offer.labelled(label), label, offer.shadow)
    if len(targets) == 1 and not route.holdout:
        return targets[NO_LABEL]
    return Choice(route if len(targets) > 1 else replace(route, split=()), targets)


def _heads(served: Served, names: Sequence[str]) -> Sequence[Head]:
    heads = served.model.description.heads
    unknown = [name for name in names if name not in heads]
    if unknown:
        raise UnknownHead(
            f"model {served.model.name!r} has no head {unknown[0][:64]!r}; its heads are {', '.join(heads)}"
        )
    return [heads[name] for name in dict.fromkeys(names)] or list(heads.values())
