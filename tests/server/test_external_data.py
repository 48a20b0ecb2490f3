from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from server.errors import BadBundle
from server.model import open_graph


@pytest.mark.parametrize("location", ["weights.bin", "folder/weights.bin", "../weights.bin"])
def test_weights_outside_the_graph_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    """A graph that wants numbers from another file gets none, wherever the server was started: no hash covers them."""
    start = tmp_path / "start"
    (start / "folder").mkdir(parents=True)
    (start / location).write_bytes(np.ones(2, dtype=np.float32).tobytes())
    monkeypatch.chdir(start)
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value=location)
    rows = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in ("features", "scores")]
    node = helper.make_node("Add", ["features", "w"], ["scores"])
    graph = helper.make_graph([node], "g", rows[:1], rows[1:], [weights])
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    with pytest.raises(BadBundle, match="ONNX Runtime refuses the graph"):
        open_graph(model.SerializeToString())
