"""What a foreign graph takes and gives, and a TOML file to begin with."""

from pathlib import Path

import onnx

from training.imports.original import NotImportable, describe

_MOST = 100  # features that are written out; whoever has more writes the file by a script
_HEAD = """
[[heads]]
name = "TODO"              # a-z, 0-9 and _
kind = "propensity"        # or value, with a unit, or segmentation: docs/import.md
title = "TODO"
horizon_days = 7
output = "{output}"
column = 0                 # from 0
"""


def draft(path: Path) -> str:
    """The graph's inputs and outputs as comments, then a file to fill in.

    Raises:
        NotImportable: the file cannot be read.
    """
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:  # protobuf, onnx and the system fail here in their own ways
        raise NotImportable(f"{path} cannot be read as an ONNX file: {error}") from error
    if not graph.output:
        raise NotImportable(f"{path} is no ONNX file with a graph: it has no outputs")
    constants = {constant.name for constant in graph.initializer}
    inputs = [one for one in graph.input if one.name not in constants]
    lines = [f"# {path.name}", *(f"#   takes {one.name!r}: {describe(one)}" for one in inputs)]
    lines += [f"#   gives {one.name!r}: {describe(one)}" for one in graph.output]
    lines += ["", f'model = "{_plain(path.stem)}"', '# rows = "rows.csv"     # real visitors, columns by feature name']
    for one in inputs:
        lines += _features(one, is_only=len(inputs) == 1)
    usable = next((one for one in graph.output if one.type.HasField("tensor_type")), graph.output[0])
    return "\n".join(lines) + "\n" + _HEAD.format(output=usable.name)


def _features(one: onnx.ValueInfoProto, *, is_only: bool) -> list[str]:
    sizes = one.type.tensor_type.shape.dim[1:]
    width = min(max(sizes[0].dim_value, 1), _MOST) if sizes else 1
    is_text = one.type.tensor_type.elem_type == onnx.TensorProto.STRING
    lines = []
    for position in range(width):
        name = f"feature_{position}" if is_only or width > 1 else _plain(one.name)
        lines += ["", "[[features]]", f'name = "{name}"']
        lines += ['kind = "category"', 'vocabulary = ["TODO"]'] if is_text else ['unit = "TODO"', "default = 0"]
        lines += [] if is_only else [f'input = "{one.name}"']
    return lines


def _plain(name: str) -> str:
    """A name that a model or a feature may have."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower())[:64] or "model"
