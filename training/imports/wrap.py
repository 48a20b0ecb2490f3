"""A foreign graph, with one input `features` and one output `scores` in place of its own."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

from server.model import INPUT, OUTPUT
from training.export.estimators import ML_OPSET, OPSET
from training.export.graph import IR_VERSION
from training.export.nodes import ML, Nodes
from training.imports.original import NotImportable, Original, Tensor, nodes_of, opset_of
from training.imports.parts import HeadParts

_LABELS = "LabelEncoder"
_LEAST_LABELS_OPSET = 2  # of ai.onnx.ml: from it on labels may be numbers


def wrap(original: Original, heads: Sequence[HeadParts]) -> onnx.ModelProto:
    """The graph as a server wants it: its own nodes between what feeds it and what makes its scores.

    Raises:
        NotImportable: what is put around it does not go with its operator sets.
    """
    model = onnx.ModelProto()
    model.CopyFrom(original.proto)
    _add_default_opset(model)
    names = _free_names(model.graph)
    nodes = Nodes(set(_names(model.graph)), opset_of(model))
    for tensor in original.tensors:
        _feed(nodes, tensor, original, names.get(tensor.name, tensor.name))
    before = len(nodes.protos)
    columns = [part.expression.emit(nodes) for head in heads for part in head.parts]
    after = nodes.protos[before:]
    for node in after:
        node.input[:] = [names.get(name, name) for name in node.input]
    after.append(helper.make_node("Concat", columns, [OUTPUT], axis=1))
    _add_labels_opset(model, after)
    whole = [*nodes.protos[:before], *model.graph.node, *after]
    _assemble(model.graph, whole, len(original.columns), sum(head.width for head in heads))
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise NotImportable(f"the graph is no valid one any more once it is wrapped: {error}") from error
    return model


def _add_default_opset(model: onnx.ModelProto) -> None:
    for one in model.opset_import:
        one.domain = "" if one.domain == "ai.onnx" else one.domain
    if not opset_of(model):
        model.opset_import.append(helper.make_opsetid("", OPSET))
    model.ir_version = max(model.ir_version, IR_VERSION)


def _add_labels_opset(model: onnx.ModelProto, added: Sequence[onnx.NodeProto]) -> None:
    if not any(node.op_type == _LABELS for node in added):
        return
    present = opset_of(model, ML)
    if not present:
        model.opset_import.append(helper.make_opsetid(ML, ML_OPSET))
    elif present < _LEAST_LABELS_OPSET:
        if any(node.op_type == _LABELS for node in nodes_of(model.graph)):
            raise NotImportable(
                f"the graph is of {ML} {present}, in which labels cannot be looked up; export it with {ML} "
                f"{_LEAST_LABELS_OPSET} or newer"
            )
        for one in model.opset_import:  # its LabelEncoder is all that changed, and the graph has none
            one.version = _LEAST_LABELS_OPSET if one.domain == ML else one.version


def _free_names(graph: onnx.GraphProto) -> Mapping[str, str]:
    """Renames what has our input's or output's name, everywhere in the graph; the new names by the old."""
    taken = set(_names(graph))
    renamed = {}
    for name in {INPUT, OUTPUT} & taken:
        new = f"{name}_"
        while new in taken:
            new += "_"
        taken.add(new)
        renamed[name] = new
    if renamed:
        _rename(graph, renamed)
    return renamed


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Also in graphs within nodes, which see the names outside."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                _rename(inner, names)
    for named in _named(graph):
        named.name = names.get(named.name, named.name)
    for annotation in graph.quantization_annotation:
        annotation.tensor_name = names.get(annotation.tensor_name, annotation.tensor_name)
        for entry in annotation.quant_parameter_tensor_names:
            entry.value = names.get(entry.value, entry.value)


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    """Every name of a tensor, also in graphs within nodes."""
    yield from (one.name for one in _named(graph))
    for node in graph.node:
        yield from (*node.input, *node.output)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _names(inner)


def _named(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto | onnx.TensorProto]:
    """What has a tensor's name in a graph, but for nodes."""
    sparse = [part for one in graph.sparse_initializer for part in (one.values, one.indices)]
    return [*graph.input, *graph.output, *graph.value_info, *graph.initializer, *sparse]


def _feed(nodes: Nodes, tensor: Tensor, original: Original, name: str) -> None:
    """One of the graph's own inputs, from `features`."""
    width = len(original.columns)
    if tensor.element == TensorProto.STRING:
        words = [_words(nodes, original, position, width) for position in tensor.positions]
        given = words[0] if len(words) == 1 else nodes.add("Concat", *words, axis=1)
    else:
        given = nodes.add("Cast", nodes.gather(INPUT, tensor.positions, width), to=tensor.element)
    if len(tensor.shape) == 1:
        given = nodes.add("Reshape", given, nodes.constant(np.array([-1], dtype=np.int64)))
    nodes.protos.append(helper.make_node("Identity", [given], [name]))


def _words(nodes: Nodes, original: Original, position: int, width: int) -> str:
    """A category's word for each row, [rows, 1]."""
    words = np.array(list(original.columns[position].feature.vocabulary), dtype=object)
    codes = nodes.add("Cast", nodes.gather(INPUT, (position,), width), to=TensorProto.INT64)
    return nodes.add("Gather", nodes.constant(words), codes, axis=0)


def _assemble(graph: onnx.GraphProto, whole: Sequence[onnx.NodeProto], width: int, count: int) -> None:
    """The nodes, and around them nothing but our input and output."""
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in whole]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.input[:]
    del graph.output[:]
    del graph.value_info[:]  # a graph for one row at a time says so there
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width]))
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, count]))
