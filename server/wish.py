"""What control wishes the workers to serve, and what each worker says of itself: small JSON files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from server.traffic import NO_LABEL, Route


@dataclass(frozen=True, slots=True)
class WishedModel:
    """A version to serve.

    Attributes:
        name: the model's.
        version: its number.
        manifest: path of its verified manifest in protobuf's binary form, which is parsed in C.
        graph: path of its graph.
        rows: path of recorded rows for it, float32 of the machine's byte order, row after row: what it is warmed with.
        sha256: the graph's hash, in hex, as it was when it was verified.
    """

    name: str
    version: int
    manifest: str
    graph: str
    rows: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What every worker is to serve.

    Attributes:
        sequence: grows with each wish.
        models: every version to load.
        routes: who gets which version, by model.
        schemas: paths of every feature schema that callers may follow, in protobuf's binary form.
        awaited: models in the repository of which no version is ready.
        is_settled: whether no model has a version that is still to be tried.
    """

    sequence: int = 0
    models: tuple[WishedModel, ...] = ()
    routes: Mapping[str, Route] = field(default_factory=dict)
    schemas: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    is_settled: bool = False

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The wish that was written so (runtime.as_json)."""
        models = tuple(WishedModel(**model) for model in content["models"])
        lists = {name: tuple(content[name]) for name in ("schemas", "awaited")}
        routes = {name: Route.from_json(route) for name, route in content["routes"].items()}
        return cls(**{**content, **lists, "models": models, "routes": routes})


@dataclass(frozen=True, slots=True)
class Serving:
    """What a worker has of one model.

    Attributes:
        versions: those that are loaded.
        targets: version by label, "" for requests that ask for none.
    """

    versions: tuple[int, ...]
    targets: Mapping[str, int]

    @property
    def default(self) -> int | None:
        """The version for requests that ask for none."""
        return self.targets.get(NO_LABEL)


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What a worker says of itself.

    Attributes:
        pid: its process.
        sequence: the last wish of which it has tried everything; -1 before the first.
        serving: by model.
        refused: why it has not loaded a version that was wished, by "<model>/<version>".
        is_listening: whether it takes calls.
        is_ready: whether it answers SERVING.
    """

    pid: int
    sequence: int = -1
    serving: Mapping[str, Serving] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    is_listening: bool = False
    is_ready: bool = False

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The state that was written so (runtime.as_json)."""
        serving = {name: Serving(tuple(one["versions"]), one["targets"]) for name, one in content["serving"].items()}
        return cls(**{**content, "serving": serving})
