"""A version's graph, loaded: the only module of the server that knows ONNX Runtime."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime

from protos.audience.v1 import bundle_pb2
from server.bundle import Bundle, Description
from server.errors import BadBundle
from server.graph import DEFAULT_DOMAIN, Versions, idle_graph, read_versions
from server.heads import FloatMatrix, Segmentation
from server.reference import Reference

INPUT = "features"
OUTPUT = "scores"
_NO_FOLDER = "/dev/null"  # exists everywhere and holds no file
_LARGEST_TOLERANCE = 0.01
_KNOWN_VERSIONS = 100  # of operator sets, of which it is remembered that ONNX Runtime reads them


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One version of one model, ready to score.

    Attributes:
        description: what the version says of itself.
    """

    description: Description
    _session: onnxruntime.InferenceSession

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.description.manifest.model

    @property
    def version(self) -> int:
        """The version, from 1."""
        return self.description.manifest.version

    def run(self, rows: FloatMatrix) -> FloatMatrix:
        """Scores of shape (n, score_count) for rows of shape (n, width), both float32."""
        scores: FloatMatrix = self._session.run([OUTPUT], {INPUT: rows})[0]
        return scores


def load_model(bundle: Bundle, *, largest_batch: int) -> Model:
    """The model of a verified bundle: built, its reference rows replayed, warm for every size of batch.

    Args:
        bundle: what read_bundle returned.
        largest_batch: the most rows that will be scored at once.

    Raises:
        BadBundle: ONNX Runtime refuses the graph or is too old for it, the graph asks for weights or operators from
            elsewhere, has another shape or operator set than the manifest says, or does not give the reference rows
            the scores that training gave them, or a segment that is there.
    """
    graph = bundle.description.manifest.graph
    _check_runtime(graph)
    _check_versions(graph, read_versions(bundle.model))
    model = Model(bundle.description, open_graph(bundle.model))
    _check_shape(model)
    try:
        _replay(model, bundle.reference)
        _warm(model, bundle.reference.features, largest_batch)
    except BadBundle:
        raise
    except Exception as error:  # ONNX Runtime's errors share no narrower class
        raise BadBundle(f"ONNX Runtime cannot run the graph: {error}") from error
    return model


def build_model(description: Description, graph: Path | bytes, rows: FloatMatrix, *, largest_batch: int) -> Model:
    """The model of a version that load_model accepted before, in this server: built and warm, without further checks.

    Args:
        description: what the version says of itself.
        graph: its graph, or where that is.
        rows: shape (n, schema width), at least one: what it is warmed with.
        largest_batch: the most rows that will be scored at once.

    Raises:
        BadBundle: ONNX Runtime refuses the graph, or cannot run it.
    """
    model = Model(description, open_graph(graph))
    try:
        _warm(model, rows, largest_batch)
    except Exception as error:  # ONNX Runtime's errors share no narrower class
        raise BadBundle(f"ONNX Runtime cannot run the graph: {error}") from error
    return model


def _check_runtime(graph: bundle_pb2.Graph) -> None:
    needed, present = _numbers(graph.smallest_runtime), _numbers(onnxruntime.__version__)
    if needed > present:
        raise BadBundle(
            f"the graph needs ONNX Runtime {graph.smallest_runtime} or newer; here is {onnxruntime.__version__}"
        )


def _numbers(version: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version.split(".")[:3])
    except ValueError as error:
        raise BadBundle(f"smallest_runtime is {version!r}; needed is a version such as '1.22.0'") from error


def _check_versions(graph: bundle_pb2.Graph, versions: Versions) -> None:
    """ONNX Runtime is asked itself, by a graph that does nothing: it has no list of what it reads."""
    opset = versions.opsets.get(DEFAULT_DOMAIN, 0)
    if opset != graph.opset:
        raise BadBundle(f"the graph is of ONNX's operator set {opset}; the manifest says {graph.opset}")
    if not _reads(versions.ir_version, DEFAULT_DOMAIN, 1):
        raise _too_new(f"IR version {versions.ir_version}")
    for domain, version in versions.opsets.items():
        if not _reads(versions.ir_version, domain, version):
            raise _too_new(f"version {version} of the operator set {domain or 'ai.onnx'}")


def _reads(ir_version: int, domain: str, version: int) -> bool:
    try:
        _read_idle(ir_version, domain, version)
    except BadBundle:
        return False
    return True


@lru_cache(_KNOWN_VERSIONS)
def _read_idle(ir_version: int, domain: str, version: int) -> None:
    """Returns if ONNX Runtime reads it; a refusal is not remembered, which may be for want of memory just then."""
    open_graph(idle_graph(Versions(ir_version, {DEFAULT_DOMAIN: 1, domain: version})))


def _too_new(what: str) -> BadBundle:
    return BadBundle(
        f"ONNX Runtime {onnxruntime.__version__} does not read {what}, of which the graph is; export the graph for an "
        "older one, or install a newer ONNX Runtime"
    )


def open_graph(model: Path | bytes) -> onnxruntime.InferenceSession:
    """ONNX Runtime's session of a graph, as this server runs it: on the calling thread alone.

    Raises:
        BadBundle: ONNX Runtime refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # errors come as exceptions; its own lines are not JSON and quote the graph's names
    # A graph in ONNX Runtime's own format has not been looked into, and is computed without many checks.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # Weights in other files are not covered by the hashes, and would be looked for in the working directory.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no narrower class
        raise BadBundle(f"ONNX Runtime refuses the graph: {error}") from error


def _check_shape(model: Model) -> None:
    session, manifest = model._session, model.description.manifest  # noqa: SLF001  # its own module
    actual = [
        [(node.name, node.type, node.shape[1:]) for node in nodes]
        for nodes in (session.get_inputs(), session.get_outputs())
    ]
    wanted = [
        [(INPUT, "tensor(float)", [model.description.schema.width])],
        [(OUTPUT, "tensor(float)", [manifest.graph.score_count])],
    ]
    if actual != wanted:
        raise BadBundle(f"the graph's inputs and outputs are {actual}; the manifest needs {wanted}")


def _replay(model: Model, reference: Reference) -> None:
    parity = model.description.manifest.parity
    tolerances = (parity.absolute_tolerance, parity.relative_tolerance)
    if not all(0 <= tolerance <= _LARGEST_TOLERANCE for tolerance in tolerances):
        raise BadBundle(f"the manifest tolerates differences of {tolerances}; at most {_LARGEST_TOLERANCE} is a proof")
    scores = model.run(reference.features)
    if scores.shape != reference.scores.shape:
        raise BadBundle(f"the graph gives scores of shape {scores.shape}; needed is {reference.scores.shape}")
    allowed = parity.absolute_tolerance + parity.relative_tolerance * np.abs(reference.scores)
    wrong = ~(np.abs(scores - reference.scores) <= allowed)
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise BadBundle(
            f"the graph does not give the reference rows their scores here: {int(wrong.sum())} of {wrong.size} differ, "
            f"first row {row}, column {column}: {scores[row, column]:g} instead of {reference.scores[row, column]:g}"
        )
    _check_segments(model, scores)


def _check_segments(model: Model, scores: FloatMatrix) -> None:
    for head in model.description.heads.values():
        if isinstance(head, Segmentation):
            try:
                head.positions(scores)
            except LookupError as error:
                raise BadBundle(f"the graph names no segment of a reference row: {error}") from error


def _warm(model: Model, rows: FloatMatrix, largest_batch: int) -> None:
    """Runs every power of two up to the largest batch, since ONNX Runtime allocates at the first run of a size."""
    size = 1
    while True:
        model.run(np.resize(rows, (size, rows.shape[1])))
        if size >= largest_batch:
            return
        size = min(size * 2, largest_batch)
