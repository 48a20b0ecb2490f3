"""What control saw when it last looked, for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protos.audience.v1 import policy_pb2
from server.approval import Consent
from server.schema import Schema
from server.traffic import Route


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model for people.

    Attributes:
        serving: the version that serves; None when none does.
        found: versions on disk.
        refused: why versions were refused.
        behind: why workers do not serve that version, by the worker's number.
        unapproved: why versions wait for an approval.
    """

    serving: int | None
    found: tuple[int, ...]
    refused: Mapping[int, str]
    behind: Mapping[int, str] = field(default_factory=dict)
    unapproved: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Who gets which version of a model.

    Attributes:
        loaded: versions that the workers are told to load.
        route: who gets which, as the workers were told last.
        policy: what the repository says.
        bad_policy: why a newer policy was refused, if one was.
        is_settled: whether every worker has tried all of it, and nothing more is to be loaded.
        behind: why workers do not answer so, by the worker's number; also of those that are not there.
        loading: versions that are on their way to the workers.
        since_ms: since when versions are loaded, in milliseconds since 1970; of those that this process saw coming.
        schemas: features of versions.
        unapproved: versions that wait for an approval, and whose.
    """

    loaded: tuple[int, ...]
    route: Route
    policy: policy_pb2.Policy
    bad_policy: str | None
    is_settled: bool
    behind: Mapping[int, str]
    loading: frozenset[int] = frozenset()
    since_ms: Mapping[int, int] = field(default_factory=dict)
    schemas: Mapping[int, Schema] = field(default_factory=dict)
    unapproved: Mapping[int, Consent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """What control saw when it last looked.

    Attributes:
        models: by name.
        traffic: by name, of the same models.
        unreadable: why it could not look; None when it could.
        looks: how often it has looked at the repository since it began.
    """

    models: Mapping[str, ModelStatus] = field(default_factory=dict)
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    unreadable: str | None = None
    looks: int = 0
