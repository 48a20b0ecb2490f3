"""What control saw when it last looked, for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protos.audience.v1 import policy_pb2
from server.traffic import Route


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model for people.

    Attributes:
        serving: the version that serves; None when none does.
        found: versions on disk.
        refused: why versions were refused.
        behind: why workers do not serve that version, by the worker's number.
    """

    serving: int | None
    found: tuple[int, ...]
    refused: Mapping[int, str]
    behind: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who gets which version of a model.

    Attributes:
        loaded: versions that the workers are told to load.
        route: who gets which, as the workers were told last.
        policy: what the repository says.
        bad_policy: why a newer policy was refused, if one was.
        is_followed: whether every worker has tried all of it.
        behind: why workers do not answer so, by the worker's number.
    """

    loaded: tuple[int, ...]
    route: Route
    policy: policy_pb2.Policy
    bad_policy: str | None
    is_followed: bool
    behind: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Status:
    """What control saw when it last looked; `unreadable` says why it could not, if so."""

    models: Mapping[str, ModelStatus] = field(default_factory=dict)
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    unreadable: str | None = None
