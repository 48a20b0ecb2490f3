"""What control saw when it last looked, for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
class Status:
    """What control saw when it last looked; `unreadable` says why it could not, if so."""

    models: Mapping[str, ModelStatus] = field(default_factory=dict)
    unreadable: str | None = None
