"""A foreign graph: read with all of its weights, looked at, and run as it is."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper

from server.model import open_graph
from training.errors import NotTrained
from training.features import Features
from training.imports.columns import Column

Outputs = Mapping[str, npt.NDArray[np.generic]]

# As server/bundle.py reads at most.
_LARGEST_BYTES = 1 << 30
# Below 7 ONNX Runtime promises nothing.
_LEAST_OPSET = 7
_DEFAULT_DOMAINS = ("", "ai.onnx")
_DOMAINS = {*_DEFAULT_DOMAINS, "ai.onnx.ml", "com.microsoft"}
_RANKS = (1, 2)
NUMBERS = {
    TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BOOL,
    TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
    TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64,
}  # fmt: skip


class NotImportable(NotTrained):
    """The graph cannot be served. The text says what of it, and what to do."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One of the graph's inputs.

    Attributes:
        name: of the input.
        element: its type, of onnx.TensorProto.
        shape: a number where a dimension is fixed, else None.
        positions: of the features that it takes, in its columns' order.
    """

    name: str
    element: int
    shape: tuple[int | None, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """The graph as it came.

    Attributes:
        proto: all of it, weights included.
        tensors: its inputs.
        columns: the features.
    """

    proto: onnx.ModelProto
    tensors: tuple[Tensor, ...]
    columns: tuple[Column, ...]
    _session: onnxruntime.InferenceSession

    @property
    def is_single(self) -> bool:
        """Whether it takes one row at a time, as it was exported."""
        return any(tensor.shape[0] is not None for tensor in self.tensors)

    def run(self, rows: Features, outputs: Sequence[str]) -> Outputs:
        """These outputs, by name, for rows of shape (n, features); row by row if it takes no more.

        Raises:
            NotImportable: ONNX Runtime cannot run it.
        """
        parts = np.split(rows, len(rows)) if self.is_single else [rows]
        try:
            answers = [self._session.run(list(outputs), self._feed(part)) for part in parts]
        except Exception as error:  # ONNX Runtime's errors share no narrower class
            raise NotImportable(f"ONNX Runtime cannot run the graph as it is: {error}") from error
        columns = [np.concatenate([np.atleast_1d(a[i]) for a in answers]) for i in range(len(outputs))]
        return dict(zip(outputs, columns, strict=True))

    def _feed(self, rows: Features) -> dict[str, npt.NDArray[np.generic]]:
        return {tensor.name: self._input(tensor, rows[:, tensor.positions]) for tensor in self.tensors}

    def _input(self, tensor: Tensor, values: Features) -> npt.NDArray[np.generic]:
        if tensor.element == TensorProto.STRING:
            words = [self.columns[position].feature.vocabulary for position in tensor.positions]
            rows = [[words[i][int(code)] for i, code in enumerate(row)] for row in values]
            given: npt.NDArray[np.generic] = np.array(rows, dtype=object)
        else:
            given = values.astype(helper.tensor_dtype_to_np_dtype(tensor.element))
        return given[:, 0] if len(tensor.shape) == 1 else given


def load_original(path: Path, columns: tuple[Column, ...]) -> Original:
    """The graph in the file, and in those beside it that hold its weights.

    Raises:
        NotImportable: it cannot be read, is too large, needs what is not there, or its inputs are not the features.
        BadBundle: ONNX Runtime refuses it.
    """
    proto = _load(path)
    _check_operators(proto)
    tensors = tuple(_tensors(proto.graph, columns))
    return Original(proto, tensors, columns, open_graph(proto.SerializeToString()))


def _load(path: Path) -> onnx.ModelProto:
    try:
        proto = onnx.load(path)
        size = proto.ByteSize()
    except Exception as error:  # protobuf, onnx and the system fail here in their own ways
        raise NotImportable(f"{path} cannot be read as an ONNX file with its weights: {error}") from error
    if not proto.graph.output:
        raise NotImportable(f"{path} is no ONNX file with a graph: it has no outputs")
    if size > _LARGEST_BYTES:
        raise NotImportable(f"{path} has {size:,} bytes with its weights; a version holds at most {_LARGEST_BYTES:,}")
    try:
        onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise NotImportable(f"{path} is no valid ONNX file: {error}") from error
    return proto


def _check_operators(proto: onnx.ModelProto) -> None:
    opset = opset_of(proto)
    if opset and opset < _LEAST_OPSET:
        raise NotImportable(f"the graph is of opset {opset}; export it with opset {_LEAST_OPSET} or newer")
    local = {function.domain for function in proto.functions}
    nodes = itertools.chain(nodes_of(proto.graph), *(function.node for function in proto.functions))
    for node in nodes:
        if node.domain not in _DOMAINS | local:
            raise NotImportable(
                f"the graph has the operator {node.op_type} of {node.domain!r}, which ONNX Runtime runs only with a "
                "library of its own; export without it, with operators of ai.onnx, ai.onnx.ml or com.microsoft"
            )


def opset_of(proto: onnx.ModelProto, *domains: str) -> int:
    """Version of the operator set of these domains, the default one when none is given; 0 where there is none."""
    return max((one.version for one in proto.opset_import if one.domain in (domains or _DEFAULT_DOMAINS)), default=0)


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, also of the graphs within nodes."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from nodes_of(inner)


def _tensors(graph: onnx.GraphProto, columns: tuple[Column, ...]) -> Iterator[Tensor]:
    constants = {constant.name for constant in graph.initializer}
    inputs = [one for one in graph.input if one.name not in constants]
    names = [one.name for one in inputs]
    said = "; ".join(f"{one.name!r} is {describe(one)}" for one in inputs)
    if len(inputs) == 1:
        owners = [column.tensor or names[0] for column in columns]
    else:
        owners = [column.tensor or column.feature.name for column in columns]
    for column, owner in zip(columns, owners, strict=True):
        if owner not in names:
            raise NotImportable(
                f"feature {column.feature.name!r} is for the input {owner!r}, which the graph does not have: {said}; "
                'say which one takes it, such as input = "…"'
            )
    for one in inputs:
        yield _tensor(one, tuple(i for i, owner in enumerate(owners) if owner == one.name), columns)


def _tensor(one: onnx.ValueInfoProto, positions: tuple[int, ...], columns: tuple[Column, ...]) -> Tensor:
    kind = one.type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
    is_text = kind.elem_type == TensorProto.STRING
    if kind.elem_type not in NUMBERS | {TensorProto.STRING} or len(shape) not in _RANKS:
        raise NotImportable(f"the input {one.name!r} is {describe(one)}; needed is a matrix of rows and features")
    if not positions or (shape[1:] or (1,)) not in {(len(positions),), (None,)}:
        raise NotImportable(
            f"the input {one.name!r} is {describe(one)}, and the file lists {len(positions)} features for it"
        )
    if shape[0] is not None and shape[0] != 1:
        raise NotImportable(
            f"the input {one.name!r} is {describe(one)}, so many rows at a time and no other number; export it with "
            f"a dynamic first dimension, such as dynamic_axes={{{one.name!r}: {{0: 'rows'}}}} in torch.onnx.export"
        )
    numbers = [columns[i].feature.name for i in positions if is_text and not columns[i].is_category]
    if numbers:
        raise NotImportable(f"the input {one.name!r} takes texts; {', '.join(numbers)} must be of the kind category")
    return Tensor(one.name, kind.elem_type, shape, positions)


def describe(one: onnx.ValueInfoProto) -> str:
    """An input or output for people: float [rows, 4]."""
    if not one.type.HasField("tensor_type"):
        return str(one.type.WhichOneof("value") or "nothing").removesuffix("_type")
    kind = one.type.tensor_type
    sizes = [str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in kind.shape.dim]
    return f"{TensorProto.DataType.Name(kind.elem_type).lower()} [{', '.join(sizes)}]"
