"""Requests that are answered without being read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alike import MOST_TEMPLATES
from server.errors import AudienceError, InvalidRequest
from server.inference.infer import Inference
from server.inference.plan import Plans
from server.inference.requests import parse_infer
from server.inference.statistics import Statistics
from server.inference.templates import Templates
from server.registry import Registry
from tests.server.conftest import law
from tests.server.inference.tensors import raw

ROWS = ([[3.0, 5.0]], [[4.0, 6.0]], [[3.0, 5.0], [4.0, 6.0]])
REQUESTS = st.builds(
    lambda rows, outputs, name, version, text: raw(rows, *outputs, model_name=name, model_version=version, id=text),
    st.sampled_from(ROWS),
    st.sampled_from([(), ("scores",), ("value.segment", "scores"), ("wrong",)]),
    st.sampled_from(["", "shop", "shoq"]),
    st.sampled_from(["", "3", "4"]),
    st.sampled_from(["", "1", "2", "é", "page-1", "page-2"]),
)


def _answer(inference: Inference, message: bytes) -> bytes | str:
    """What the rows of a request are and what a reply begins with; the error's text of one that has none."""
    try:
        prepared = inference.prepare(message)
    except AudienceError as error:
        return str(error)
    rows = prepared.runs[0].rows
    return b"|".join([prepared.plan.model, prepared.id, prepared.plan.tensors, *(row.numbers for row in rows)])


@law
@given(st.lists(REQUESTS, min_size=2, max_size=12))
def test_what_was_learned_changes_nothing(lasting: Registry, requests: list[object]) -> None:
    """A server that has seen others before answers every request as one that has not."""
    learned = Inference(lasting, most_rows=4)
    for request in requests:
        message = request.SerializeToString()  # type: ignore[attr-defined]  # a ModelInferRequest
        assert _answer(learned, message) == _answer(Inference(lasting, most_rows=4), message)


@law
@given(st.binary(max_size=12), st.integers(0, 60), st.integers(0, 60))
def test_nothing_that_is_no_request_fits(lasting: Registry, put: bytes, at: int, dropped: int) -> None:
    """A request that was altered anywhere is read as if no other had come before it."""
    good = raw(ROWS[0], "scores", id="page-1").SerializeToString()
    learned = Inference(lasting, most_rows=4)
    learned.prepare(good)
    altered = good[:at] + put + good[at + dropped :]
    assert _answer(learned, altered) == _answer(Inference(lasting, most_rows=4), altered)


@pytest.mark.parametrize("more", [b"\x3a\x08" + bytes(8), b"\x1a\x01a", b"\x45\0\0\0\0", b"\x40\x01"])
def test_what_is_not_plain_is_not_learned(lasting: Registry, more: bytes) -> None:
    """Numbers or an id that come twice, and fields that the protocol does not have, are read with care each time."""
    message = raw(ROWS[0], id="a").SerializeToString()
    plan = Plans(lasting.current, Statistics(), most_rows=4).find(parse_infer(message))
    templates = Templates()
    templates.learn(message + more, plan)
    assert templates.find(message + more) is None
    templates.learn(message, plan)
    assert templates.find(message) is not None


def test_templates_are_bounded(lasting: Registry) -> None:
    """A client whose requests are all of different lengths does not fill the memory."""
    message = raw(ROWS[0]).SerializeToString()
    plan = Plans(lasting.current, Statistics(), most_rows=4).find(parse_infer(message))
    templates = Templates()
    requests = [raw(ROWS[0], id="x" * length).SerializeToString() for length in range(MOST_TEMPLATES + 1)]
    for request in requests:
        templates.learn(request, plan)
    assert templates.find(requests[0]) is None
    assert templates.find(requests[-1]) is not None


def test_numbers_of_another_length_are_refused(lasting: Registry) -> None:
    """Also when everything else is as it was in a request that was in order."""
    inference = Inference(lasting, most_rows=4)
    inference.prepare(raw(ROWS[0]).SerializeToString())
    with pytest.raises(InvalidRequest, match="needs 8"):
        inference.prepare(raw(ROWS[0], raw_input_contents=[bytes(12)]).SerializeToString())
