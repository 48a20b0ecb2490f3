"""ModelInfer, from the bytes of a request to those of its reply."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.inference import inference_pb2
from server.errors import AudienceError, DeadlineTooShort, InvalidRequest, NoModelReady, UnknownModel, Unsupported
from server.inference.infer import Inference
from server.model import OUTPUT
from server.registry import Registry
from server.served import Scored
from server.transport import seam
from tests.server import asking, literal
from tests.server.conftest import Measured, law
from tests.server.inference.tensors import Matrix, Request, Response, Tensor, infer, raw, read, run_rows, typed

ROW = [[3.0, 5.0]]
SCORES = [[1.0, 0.5, 0.25, 80.0]]
OUTPUTS = (OUTPUT, "value.segment", "value.distance", "buys_7d.probability", "spend_30d.expected")
MAKES = pytest.mark.parametrize("make", [raw, typed])
FLOATS = st.floats(width=32, min_value=-(2.0**60), max_value=2.0**60)
MATRICES = st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=4)


def _parameter(text: str = "", **others: Any) -> inference_pb2.InferParameter:
    return inference_pb2.InferParameter(**(others or {"string_param": text}))


def _refusal(inference: Inference, request: Request | bytes) -> AudienceError:
    message = request if isinstance(request, bytes) else request.SerializeToString()
    with pytest.raises(AudienceError) as caught:
        inference.prepare(message)
    return caught.value


def _tensor(**changes: Any) -> Sequence[Tensor]:
    return [Tensor(**{"name": "features", "datatype": "FP32", "shape": (1, 2), **changes})]


@MAKES
def test_scores_come_as_the_request_did(inference: Inference, make: Callable[..., Request]) -> None:
    """The outputs asked for, in that order, raw when the request was and typed when it was, with the id it had."""
    reply = infer(inference, make(ROW, "buys_7d.probability", OUTPUT, "scores", id="page-1"), SCORES)

    assert (reply.model_name, reply.model_version, reply.id) == ("shop", "3", "page-1")
    assert list(read(reply).items()) == [("buys_7d.probability", [[0.25]]), (OUTPUT, SCORES)]
    assert bool(reply.raw_output_contents) is (make is raw)
    assert all(bool(one.contents.fp32_contents) is (make is typed) for one in reply.outputs)


def test_all_outputs_come_when_none_is_named(inference: Inference) -> None:
    """The scores as a whole, then the columns of each head by their roles."""
    assert read(infer(inference, raw(ROW), SCORES)) == {
        OUTPUT: SCORES,
        "value.segment": [[1.0]],
        "value.distance": [[0.5]],
        "buys_7d.probability": [[0.25]],
        "spend_30d.expected": [[80.0]],
    }


@law
@given(rows=MATRICES, make=st.sampled_from([raw, typed]))
def test_rows_are_those_of_score(lasting: Registry, rows: Matrix, make: Callable[..., Request]) -> None:
    """Whatever the numbers, the graph gets what Score gives it of the same vectors, and every score comes back."""
    inference = Inference(lasting, most_rows=4)
    prepared = inference.prepare(make(rows).SerializeToString())
    reader = lasting.current.find("shop", None).reader
    vectors = [asking.own(*row).SerializeToString() for row in rows]

    block = reader.complete(prepared.runs[0].rows)
    np.testing.assert_array_equal(block.rows, reader.complete(reader.read_all(vectors)).rows)
    scores = np.arange(4 * len(rows), dtype=np.float32).reshape(-1, 4)
    prepared.runs[0].scored = Scored(scores, block)
    answered = read(Response.FromString(inference.finish(prepared)))
    assert answered[OUTPUT] == scores.tolist()
    assert answered["buys_7d.probability"] == scores[:, 2:3].tolist()


def test_rows_of_several_calls_share_a_run(inference: Inference, scoring: Any) -> None:
    """Rows that arrive with Score's are scored by the same run of the graph, and each call gets its own."""
    mine = [inference.prepare(raw(rows).SerializeToString()) for rows in (ROW, [[1.0, 1.0], [2.0, 2.0]])]
    score = scoring.prepare_score(asking.ask("shop", features=asking.own(9.0, 9.0)).SerializeToString())

    seam.score([*mine[0].runs, *score.runs, *mine[1].runs])
    assert len({id(run.scored) for run in (*mine[0].runs, *score.runs, *mine[1].runs)}) == 1
    scored = mine[0].runs[0].scored
    scored.matrix[:] = np.arange(16).reshape(4, 4)
    replies = [read(Response.FromString(inference.finish(one)))[OUTPUT] for one in mine]
    assert replies == [[[0, 1, 2, 3]], [[8, 9, 10, 11], [12, 13, 14, 15]]]
    assert inference.statistics.of(("shop", 3)).run_count == 1


def test_typed_numbers_in_any_encoding(inference: Inference) -> None:
    """Numbers that came one by one, or in pieces, are read as protobuf reads them."""
    tensor = Tensor(name="features", datatype="FP32", shape=(1, 2)).SerializeToString()
    number = [b"\x35" + np.float32(value).tobytes() for value in ROW[0]]  # field 6, not packed
    pieces = b"".join(b"\x2a" + bytes([len(one)]) + one for one in number)  # contents twice, to be merged
    whole = b"\x2a" + bytes([10]) + b"".join(number)
    for contents in (pieces, whole):
        data = tensor + contents
        message = b"\x0a\x04shop" + b"\x2a" + bytes([len(data)]) + data
        assert Request.FromString(message) == typed(ROW)
        assert run_rows(inference, message) == ROW


def test_numbers_out_of_range_take_the_default(inference: Inference, measured: Measured) -> None:
    """As in Score: they are replaced, and counted for the version and for the feature."""
    request = raw([[3, 5], [-1, 5], [91, 5]])
    assert run_rows(inference, request.SerializeToString()) == [[3, 5], [0, 5], [0, 5]]

    infer(inference, request, SCORES * 3)
    version = {"model": "shop", "version": "3"}
    assert measured.sample("audience_rows_total", **version) == 3
    assert measured.sample("audience_features_out_of_range_total", **version) == 2
    assert measured.sample("audience_feature_defaulted_total", model="shop", feature="recency_days") == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(inference: Inference, measured: Measured, value: float) -> None:
    """The text names the row, the column and the feature; nothing is counted as scored, but the call as failed."""
    with pytest.raises(InvalidRequest) as caught:
        infer(inference, raw([[3, 5], [3, value]]), SCORES * 2)
    text = f"input 'features', row 1: column 1 (visits) is {value}; send a finite number"
    assert str(caught.value) == text
    assert measured.sample("audience_rows_total", model="shop", version="3") == 0
    assert inference.statistics.of(("shop", 3)).fail.count == 1


def test_the_error_of_another_call_is_not_mine(inference: Inference) -> None:
    """A row that cannot be scored fails its own call, and none that shared the run."""
    good, bad = (inference.prepare(raw(rows).SerializeToString()) for rows in (ROW, [[3, np.nan]]))
    seam.score([*bad.runs, *good.runs])
    assert read(Response.FromString(inference.finish(good)))[OUTPUT] == [[0, 0, 0, 0]]
    with pytest.raises(InvalidRequest, match=r"^input 'features': column 1 \(visits\) is nan"):
        inference.finish(bad)


def test_features_of_another_schema(inference: Inference, registry: Registry, measured: Measured) -> None:
    """With its fingerprint as a parameter, a tensor of another version's schema is read by names, and counted."""
    other = literal.schema(literal.number("visits", "visits"), literal.number("recency_days", "days"))
    shop = literal.model("shop", 3)
    registry.publish([shop], {other.fingerprint: other}, frozenset())
    request = raw([[5, 3]], parameters={"schema_fingerprint": _parameter(other.fingerprint)})

    assert run_rows(inference, request.SerializeToString()) == ROW
    infer(inference, request, SCORES)
    assert measured.sample("audience_rows_remapped_total", model="shop", version="3") == 1


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"inputs": []}, "the request has 0 inputs; needed is one, 'features'"),
        ({"inputs": [*_tensor(), *_tensor()]}, "the request has 2 inputs; needed is one, 'features'"),
        ({"inputs": _tensor(name="x")}, "the input is 'x'; needed is 'features'"),
        ({"inputs": _tensor(datatype="FP64")}, "input 'features' has the datatype 'FP64'; needed is 'FP32'"),
        ({"inputs": _tensor(shape=(2,))}, "input 'features' has the shape [2]; needed is [rows, 2]"),
        ({"inputs": _tensor(shape=(1, 3))}, "input 'features' has the shape [1, 3]; needed is [rows, 2]"),
        ({"inputs": _tensor(shape=(0, 2))}, "input 'features' has the shape [0, 2]; needed is [rows, 2]"),
        ({"inputs": _tensor(shape=(-1, 2))}, "input 'features' has the shape [-1, 2]; needed is [rows, 2]"),
        ({"inputs": _tensor(shape=(5, 2))}, "input 'features' has 5 rows; needed are 1 to 4"),
        (
            {"inputs": _tensor(shape=(2, 2))},
            "input 'features' has 8 bytes of numbers; its shape [2, 2] of FP32 needs 16",
        ),
        (
            {"raw_input_contents": []},
            "input 'features' has no numbers; they belong in raw_input_contents, or in contents.fp32_contents",
        ),
        (
            {"raw_input_contents": [bytes(8), bytes(8)]},
            "raw_input_contents has 2 parts; needed is one for each input",
        ),
        (
            {"inputs": _tensor(contents={"fp32_contents": [1, 2]})},
            "input 'features' has contents.fp32_contents; its numbers belong in raw_input_contents, as there are some",
        ),
        (
            {"inputs": _tensor(contents={"int_contents": [1, 2]}), "raw_input_contents": []},
            "input 'features' has contents.int_contents; its numbers belong in contents.fp32_contents",
        ),
        (
            {"outputs": [{"name": "x"}]},
            f"there is no output 'x'; there is {', '.join(OUTPUTS)}",
        ),
        ({"model_version": "v3"}, "the model's version is 'v3'; needed is a whole number, or nothing"),
        (
            {"parameters": {"schema_fingerprint": _parameter(int64_param=3)}},
            "the parameter 'schema_fingerprint' is no string; needed is a schema's fingerprint as one",
        ),
    ],
)
def test_wrong_requests(inference: Inference, changes: dict[str, Any], text: str) -> None:
    """Each says what was wrong and what would be right, also when it comes again."""
    for _ in range(2):
        refusal = _refusal(inference, raw(ROW, **changes))
        assert (type(refusal), str(refusal)) == (InvalidRequest, text)


def test_unknown_schema(inference: Inference) -> None:
    """A fingerprint that nobody published is refused, however wide the tensor says it is."""
    for width in (2, 2**40):
        request = raw(ROW, parameters={"schema_fingerprint": _parameter("f" * 32)}, inputs=_tensor(shape=(1, width)))
        assert isinstance(_refusal(inference, request), InvalidRequest)


def test_bytes_that_are_no_request(inference: Inference) -> None:
    """They are named by the message that they should have been, outside and inside."""
    assert str(_refusal(inference, b"\xff")) == "the 1 bytes of the message are no inference.ModelInferRequest"
    inner = "inference.ModelInferRequest.InferInputTensor"
    assert str(_refusal(inference, b"\x2a\x01\xff")) == f"the 1 bytes of the message are no {inner}"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"parameters": {"sequence_id": _parameter(int64_param=7)}}, "sequence_id"),
        (
            {"inputs": _tensor(parameters={"shared_memory_region": _parameter("a")}), "raw_input_contents": []},
            "shared_memory_region",
        ),
        (
            {"outputs": [{"name": OUTPUT, "parameters": {"shared_memory_region": _parameter("a")}}]},
            "shared_memory_region",
        ),
        (
            {"outputs": [{"name": OUTPUT, "parameters": {"classification": _parameter(int64_param=1)}}]},
            "classification",
        ),
    ],
)
def test_what_only_others_do(inference: Inference, changes: dict[str, Any], named: str) -> None:
    """What would change the meaning of a request is not passed over in silence."""
    refusal = _refusal(inference, raw(ROW, **changes))
    assert isinstance(refusal, Unsupported)
    assert str(refusal).startswith(f"the parameter {named!r} is not supported: ")


def test_other_parameters_are_taken(inference: Inference) -> None:
    """Those that say nothing of what is asked change nothing."""
    parameters = {"priority": _parameter(uint64_param=1), "timeout": _parameter(int64_param=5), "mine": _parameter("x")}
    assert read(infer(inference, raw(ROW, OUTPUT, parameters=parameters), SCORES)) == {OUTPUT: SCORES}


def test_models_are_found_as_by_score(inference: Inference, with_app: None) -> None:
    """By name and version; without a name only where there is one model; the reply says which it was."""
    assert infer(inference, raw(ROW, model_version="3"), SCORES).model_version == "3"
    assert isinstance(_refusal(inference, raw(ROW, model_version="4")), UnknownModel)
    assert isinstance(_refusal(inference, raw(ROW, model_version="9" * 5000)), UnknownModel)
    assert isinstance(_refusal(inference, raw(ROW, model_name="none")), UnknownModel)
    assert isinstance(_refusal(inference, raw(ROW, model_name="soon")), NoModelReady)
    assert isinstance(_refusal(inference, raw(ROW, model_name="")), InvalidRequest)


def test_a_swap_is_followed(inference: Inference, registry: Registry) -> None:
    """A request like one before is answered by what serves now."""
    infer(inference, raw(ROW), SCORES)
    registry.publish([literal.model("shop", 4)], {}, frozenset())
    assert infer(inference, raw(ROW), SCORES).model_version == "4"


def test_without_time_there_is_no_answer(inference: Inference) -> None:
    """The protocol has no words for an answer from what is known of anybody."""
    with pytest.raises(DeadlineTooShort):
        inference.late(inference.prepare(raw(ROW).SerializeToString()))


def test_the_log_gets_the_id() -> None:
    """The caller's name for a request, cut; nothing for bytes that are none."""
    (method,) = Inference(Registry(None), most_rows=1).methods()  # type: ignore[arg-type]  # nothing is counted
    assert method.request_id(raw(ROW, id="x" * 200).SerializeToString()) == "x" * 128
    assert method.request_id(b"\xff") == ""
