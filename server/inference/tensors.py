"""A model's tensors, as the protocol names them."""

from collections.abc import Mapping
from dataclasses import dataclass

from protos.audience.v1 import bundle_pb2
from server.model import OUTPUT, Model

DATATYPE = "FP32"
NUMBER_BYTES = 4

_ROLE_PREFIX = "COLUMN_ROLE_"


@dataclass(frozen=True, slots=True)
class Output:
    """A tensor that can be asked for: consecutive columns of the scores.

    Attributes:
        name: "scores" for all of them, else "<head>.<role>", such as "buys_7d.probability".
        columns: where they are.
    """

    name: str
    columns: slice

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.columns.stop - self.columns.start)


def outputs_of(model: Model) -> Mapping[str, Output]:
    """All that can be asked of a model, by name: the scores, then each head's columns in the manifest's order."""
    manifest = model.description.manifest
    every = [Output(OUTPUT, slice(0, manifest.graph.score_count))]
    for head in manifest.heads:
        for columns in head.columns:
            role = _role(columns.role)
            if role:
                every.append(Output(f"{head.name}.{role}", slice(columns.first, columns.first + columns.count)))
    return {output.name: output for output in every}


def _role(number: int) -> str:
    """A role's name as it stands in an output's; "" for one that this server does not know."""
    value = bundle_pb2.ColumnRole.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix(_ROLE_PREFIX).lower() if value is not None and number else ""
