import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import AttributeProto, SparseTensorProto, helper

from server import model, wire
from server.bundle import MODEL_FILE, read_bundle
from server.errors import BadBundle
from server.graph import Versions, _message_class, idle_graph, read_versions
from server.model import load_model, open_graph
from tests.server import damage
from tests.server.graphs import changed, external, graph, product

Change = Callable[[onnx.ModelProto], object]
HERE = f"ONNX Runtime {re.escape(onnxruntime.__version__)} does not read"


def refusal(folder: Path, data: bytes) -> str:
    """Why the version with this graph is refused."""
    damage.rewrite(folder, MODEL_FILE, data)
    with pytest.raises(BadBundle) as caught:
        load_model(read_bundle(folder), largest_batch=1)
    return str(caught.value)


def test_fields_are_those_of_onnx() -> None:
    """Every field that is read has the number, the kind and the repetition that ONNX's own contract gives it."""
    ours = _message_class("Model").DESCRIPTOR.file
    for message in ours.message_types_by_name.values():
        theirs = getattr(onnx, f"{message.name}Proto").DESCRIPTOR
        for field in message.fields:
            their = theirs.fields_by_name[field.name]
            kinds = {field.TYPE_BYTES: {field.TYPE_STRING}, field.TYPE_INT32: {field.TYPE_INT32, field.TYPE_ENUM}}
            assert (field.number, field.is_repeated) == (their.number, their.is_repeated), field.full_name
            assert their.type in kinds.get(field.type, {field.type}), field.full_name
            if field.message_type is not None:
                assert their.message_type.name == f"{field.message_type.name}Proto"


def test_every_way_to_a_tensor_is_known() -> None:
    """No field of ONNX leads to a tensor or an operator, from what ONNX Runtime reads, that is not followed here."""
    followed = _message_class("Model").DESCRIPTOR.file.message_types_by_name
    wanted = {*followed, "TrainingInfo"} - {"StringStringEntry", "OperatorSetId"}
    for name, message in followed.items():
        for field in getattr(onnx, f"{name}Proto").DESCRIPTOR.fields:
            target = field.message_type.name.removesuffix("Proto") if field.message_type is not None else ""
            if target in wanted and field.name != "training_info":  # ONNX Runtime does not look at that
                assert field.name in message.fields_by_name, f"{name}.{field.name}"


def test_versions_are_read(folder: Path) -> None:
    """A version that training exports says what it was written for; what is not ONNX's own is left out."""
    assert read_versions(read_bundle(folder).model) == Versions(8, {"": 18, "ai.onnx.ml": 3})
    named = changed(lambda model: model.opset_import.extend([helper.make_opsetid("com.example", 7)]))
    assert read_versions(named) == Versions(8, {"": 18})
    spelt = changed(lambda model: setattr(model.opset_import[0], "domain", "ai.onnx"))
    assert read_versions(spelt) == Versions(8, {"": 18})


def test_idle_graph_is_one() -> None:
    """It is a model of the versions that it was asked for, and ONNX Runtime computes nothing with it."""
    data = idle_graph(Versions(9, {"": 17, "ai.onnx.ml": 2}))
    onnx.checker.check_model(onnx.ModelProto.FromString(data))
    assert read_versions(data) == Versions(9, {"": 17, "ai.onnx.ml": 2})
    number = np.array(3, np.float32)
    assert open_graph(data).run(None, {"number": number}) == [number]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda m: setattr(m, "ir_version", 99), f"{HERE} IR version 99, of which the graph is", id="IR"),
        pytest.param(lambda m: setattr(m, "ir_version", 2**62), f"{HERE} IR version {2**62}", id="IR beyond reason"),
        pytest.param(
            lambda m: m.opset_import.extend([helper.make_opsetid("ai.onnx.ml", 99)]),
            f"{HERE} version 99 of the operator set ai.onnx.ml, of which the graph is; export the graph for an older",
            id="operators for trees",
        ),
        pytest.param(
            lambda m: setattr(m.opset_import[0], "version", 17),
            "the graph is of ONNX's operator set 17; the manifest says 18",
            id="against the manifest",
        ),
        pytest.param(lambda m: m.ClearField("opset_import"), "ONNX's operator set 0; the manifest says 18", id="none"),
    ],
)
def test_versions_that_do_not_fit_are_refused(folder: Path, change: Change, reason: str) -> None:
    """A graph of versions that ONNX Runtime here does not know, or the manifest does not say, is refused with them."""
    assert re.search(reason, refusal(folder, changed(change)))


def test_operator_set_that_is_too_new_is_refused(folder: Path) -> None:
    """The default one too, when the manifest agrees."""
    damage.edit(folder, lambda manifest: setattr(manifest.graph, "opset", 999))
    data = changed(lambda model: setattr(model.opset_import[0], "version", 999))
    assert re.search(f"{HERE} version 999 of the operator set ai.onnx, of which", refusal(folder, data))


def test_refusal_is_not_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ONNX Runtime could not open for want of memory, say, it opens the next time."""

    def fail(_model: Path | bytes) -> None:
        raise BadBundle("no memory")

    bundle = read_bundle(folder)
    model._read_idle.cache_clear()  # noqa: SLF001  # whatever a test before this one left
    with monkeypatch.context() as patch:
        patch.setattr(model, "open_graph", fail)
        with pytest.raises(BadBundle):
            load_model(bundle, largest_batch=1)
    assert load_model(bundle, largest_batch=1).name


def _subgraph(weights: onnx.TensorProto) -> onnx.NodeProto:
    """An If whose branches hold the weights."""
    inner = helper.make_graph([helper.make_node("Identity", ["w"], ["out"])], "inner", [], [], [weights])
    return helper.make_node("If", ["cond"], ["if"], then_branch=inner, else_branch=inner)


def _function(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    opset = helper.make_opsetid("", 18)
    model.functions.append(helper.make_function("local", "F", ["x"], ["y"], [node], [opset]))


def _sparse(**tensors: onnx.TensorProto) -> SparseTensorProto:
    return SparseTensorProto(dims=[5, 9], **tensors)


def _attribute(**values: object) -> onnx.NodeProto:
    node = helper.make_node("Constant", [], ["c"])
    node.attribute.append(AttributeProto(name="value", **values))  # type: ignore[arg-type]  # as protobuf takes them
    return node


def _unplaced() -> onnx.TensorProto:
    weights = external()
    weights.ClearField("data_location")
    return weights


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda m: m.graph.initializer.append(external()), id="initializer"),
        pytest.param(lambda m: m.graph.initializer.append(_unplaced()), id="entries alone"),
        pytest.param(lambda m: m.graph.sparse_initializer.append(_sparse(values=external())), id="sparse values"),
        pytest.param(lambda m: m.graph.sparse_initializer.append(_sparse(indices=external())), id="sparse indices"),
        pytest.param(lambda m: m.graph.node.append(_attribute(t=external())), id="attribute"),
        pytest.param(lambda m: m.graph.node.append(_attribute(tensors=[external()])), id="attributes"),
        pytest.param(
            lambda m: m.graph.node.append(_attribute(sparse_tensor=_sparse(values=external()))), id="sparse attribute"
        ),
        pytest.param(lambda m: m.graph.node.append(_subgraph(external())), id="branch"),
        pytest.param(lambda m: _function(m, _attribute(t=external())), id="function"),
        pytest.param(lambda m: _function(m, _subgraph(external())), id="branch of a function"),
    ],
)
def test_weights_elsewhere_are_refused(folder: Path, change: Change) -> None:
    """Weights in another file are refused wherever the graph hides them, though the file is there and listed."""
    damage.rewrite(folder, "weights.bin", np.ones(45, np.float32).tobytes())
    assert refusal(folder, changed(change)).startswith("the graph wants weights from another place (weights.bin)")


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "*/_ORT_MEM_ADDR_/*", ""])
def test_weights_from_anywhere_are_refused(folder: Path, location: str) -> None:
    """Neither above the folder, nor anywhere on the machine, nor at an address in the process's own memory."""
    data = changed(lambda model: model.graph.initializer.append(external(location)))
    assert f"from another place ({location or 'not named'})" in refusal(folder, data)


@pytest.mark.parametrize("domain", ["com.example", "com.microsoft", "ai.onnx.preview.training"])
def test_operators_that_are_not_of_onnx_are_refused(folder: Path, domain: str) -> None:
    """Operators of others are named with who made them, also in a branch or a function, whether imported or not."""
    node = helper.make_node("Gelu", ["x"], ["y"], domain=domain)
    inner = helper.make_graph([node], "inner", [], [])
    branch = helper.make_node("If", ["cond"], ["if"], then_branch=inner, else_branch=inner)
    for change in (
        lambda model: model.graph.node.append(node),
        lambda model: model.graph.node.append(branch),
        lambda model: _function(model, node),
    ):
        assert f"uses the operator 'Gelu' of '{domain}'; a server runs those of ONNX" in refusal(
            folder, changed(change)
        )


def test_functions_of_the_model_itself_are_no_strangers() -> None:
    """A function that the model brings along, made of ONNX's own operators, may be called."""
    double = helper.make_function(
        "local", "Double", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [helper.make_opsetid("", 18)]
    )
    model = onnx.ModelProto.FromString(
        graph([product(answer="half"), helper.make_node("Double", ["half"], ["scores"], domain="local")])
    )
    model.functions.append(double)
    model.opset_import.append(helper.make_opsetid("local", 1))
    data = model.SerializeToString()
    assert read_versions(data) == Versions(8, {"": 18})
    (scores,) = open_graph(data).run(["scores"], {"features": np.ones((1, 5), np.float32)})
    assert scores.tolist() == [[10.0] * 9]


def test_graph_of_the_runtimes_own_format_is_refused(folder: Path, tmp_path: Path) -> None:
    """What only ONNX Runtime can read, nobody has looked into: it is refused by the reader, and by itself too."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "graph.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(graph([product()]), options, providers=["CPUExecutionProvider"])
    data = (tmp_path / "graph.ort").read_bytes()
    assert data[4:8] == b"ORTM"
    onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert "the graph is no ONNX model" in refusal(folder, data)
    with pytest.raises(BadBundle, match="ONNX Runtime refuses the graph"):
        open_graph(data)


def test_branches_without_end_are_refused(folder: Path) -> None:
    """A graph within a graph, deeper than anybody writes, is refused and not followed down."""
    deep = b""
    for _ in range(10_000):
        deep = wire.field(1, wire.field(5, wire.field(6, deep)))  # of a graph, a node; of that, an attribute; a graph
    assert "the graph is no ONNX model" in refusal(folder, wire.whole(1, 8) + wire.field(7, deep))
