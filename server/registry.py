"""What serves at this moment: an immutable snapshot, replaced by one assignment. A request takes it once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from server.errors import InvalidRequest, NoModelReady, UnknownModel
from server.metrics import Metrics
from server.model import Model
from server.rows import RowReader
from server.schema import Schema
from server.served import Served


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What serves.

    Attributes:
        served: by the model's name.
        awaited: names of the models in the repository of which no version is ready.
    """

    served: Mapping[str, Served] = field(default_factory=dict)
    awaited: frozenset[str] = frozenset()

    def find(self, name: str, version: int | None) -> Served:
        """The model to score with; an empty name means the only one.

        Raises:
            InvalidRequest: the name is empty and there are several models.
            NoModelReady: the model, or any at all, is not ready yet.
            UnknownModel: there is no such model, or another version of it serves.
        """
        served = self.served.get(name or self._only_name())
        if served is None:
            raise self._absent(name)
        if version is not None and version != served.model.version:
            raise UnknownModel(
                f"model {served.model.name!r} serves version {served.model.version}; version {version} is not loaded"
            )
        return served

    def _only_name(self) -> str:
        if len(self.served) > 1:
            raise InvalidRequest(
                f"the selector names no model, and there are several: {', '.join(sorted(self.served))}"
            )
        return next(iter(self.served), "")

    def _absent(self, name: str) -> NoModelReady | UnknownModel:
        if name in self.awaited:
            return NoModelReady(f"no version of model {name!r} is ready yet")
        if not self.served:
            return NoModelReady("no version of any model is ready yet; one has to be published in the repository")
        return UnknownModel(f"no model {name[:64]!r} here; there is {', '.join(sorted(self.served))}")


class Registry:
    """Holds the current snapshot. One thread publishes; any number read `current`.

    Args:
        metrics: where the models' counters are.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.current = Snapshot()

    def publish(self, models: Mapping[str, Model], schemas: Mapping[str, Schema], awaited: frozenset[str]) -> None:
        """Serves these models from now on.

        Args:
            models: by name.
            schemas: every schema that a caller may still follow, by fingerprint.
            awaited: as in Snapshot.
        """
        self.current = Snapshot({name: self._served(model, schemas) for name, model in models.items()}, awaited)

    def expect(self, awaited: frozenset[str]) -> None:
        """Notes which models are in the repository with no version ready."""
        if awaited != self.current.awaited:
            self.current = replace(self.current, awaited=awaited)

    def _served(self, model: Model, schemas: Mapping[str, Schema]) -> Served:
        schema = model.description.schema
        counters = self._metrics.for_model(model.name, model.version, list(schema.positions))
        return Served(model, RowReader(schema, schemas), counters)
