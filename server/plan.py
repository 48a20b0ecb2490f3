"""What the selectors of a request ask for, resolved once for all requests that ask the same of the same models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from protos.audience.v1 import scoring_pb2
from server.errors import AudienceError, InvalidRequest, NoModelReady, UnknownHead, UnknownModel
from server.heads import Head
from server.registry import Snapshot
from server.requests import parse_selector
from server.served import Served, Target

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


Part: TypeAlias = Target | Failure


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a request asks for.

    Attributes:
        parts: one for each selector, in their order; at least one is a target.
        targets: those that can be answered, each with its selector's own features as they came, if it has any.
    """

    parts: Sequence[Part]
    targets: Sequence[tuple[Target, bytes | None]]


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
    parts = [_part(snapshot, selector) for selector in selectors]
    targets = [
        (part, selector.features.SerializeToString() if selector.HasField("features") else None)
        for part, selector in zip(parts, selectors, strict=True)
        if isinstance(part, Target)
    ]
    if not targets:
        raise next(part.error for part in parts if isinstance(part, Failure))
    return Plan(parts, targets)


def _part(snapshot: Snapshot, selector: scoring_pb2.Selector) -> Part:
    """What the selector gets. A model that cannot answer is a part of its own; a wrong request raises."""
    try:
        served = snapshot.find(selector.model, selector.version if selector.HasField("version") else None)
        return Target(served, _heads(served, selector.heads))
    except (UnknownModel, UnknownHead, NoModelReady) as error:
        return Failure(selector.model, error)


def _heads(served: Served, names: Sequence[str]) -> Sequence[Head]:
    heads = served.model.description.heads
    unknown = [name for name in names if name not in heads]
    if unknown:
        raise UnknownHead(
            f"model {served.model.name!r} has no head {unknown[0][:64]!r}; its heads are {', '.join(heads)}"
        )
    return [heads[name] for name in dict.fromkeys(names)] or list(heads.values())
