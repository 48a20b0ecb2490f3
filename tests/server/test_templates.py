"""A request like one before is read as if it were the first."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, ScoreRequest, Selector, Visitor
from server.alike import MOST_TEMPLATES
from server.counters import Counters, Shape
from server.errors import AudienceError
from server.metrics import Metrics
from server.plan import Plans
from server.registry import Registry
from server.scoring import Scoring
from server.templates import Template, Templates
from tests.server import encodings
from tests.server.asking import CODES, MOST_ROWS, own, served_by
from tests.server.conftest import law
from tests.server.encodings import delimited, real, whole
from tests.server.literal import model
from tests.server.reading import OLDER, SERVED

Outcome = tuple[bytes, int, Sequence[object]] | str


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """One model, for all examples of a law."""
    counters = Counters.create(tmp_path_factory.mktemp("counters") / "counters", Shape(rows=1))
    registry = Registry(Metrics(counters.row(0)))
    registry.publish([model("shop", 3)], {}, frozenset())
    return registry


def new(registry: Registry) -> Scoring:
    """Methods that know of no request yet."""
    return Scoring(registry, most_rows=MOST_ROWS, error_code=lambda error: CODES.get(type(error), 13))


def read(scoring: Scoring, message: bytes) -> Outcome:
    """What a request asks for, or how it is refused."""
    try:
        prepared = scoring.prepare_score(message)
    except AudienceError as error:
        return f"{type(error).__name__}: {error}"
    blocks = [served_by(run).reader.complete(run.rows) for run in prepared.runs]
    seen = [
        (block.rows.tolist(), str(block.missing), str(block.out_of_range), str(block.errors), run.rows[0].is_remapped)
        for block, run in zip(blocks, prepared.runs, strict=True)
    ]
    return prepared.opening, prepared.when_late, [len(prepared.parts), *seen]


texts = st.text(max_size=4) | st.sampled_from(["v1", "x" * 126, "x" * 128, "\u00e9" * 64])
floats = st.floats(width=32) | st.sampled_from([1.0, 2.0, 91.0])


@st.composite
def plain(draw: st.DrawFn) -> bytes:
    """A request with a vector of the model's own, whose parts may come in any order, and more than once."""
    features = own(draw(floats), draw(floats), missing=draw(st.lists(st.just(1), max_size=1)))
    in_parts = (
        ScoreRequest(request_id=draw(texts)),
        ScoreRequest(visitor=draw(st.none() | st.builds(Visitor, id=texts))),
        ScoreRequest(selectors=draw(st.sampled_from([[], [Selector(model="shop")], [Selector()] * 2]))),
        ScoreRequest(when_late=draw(st.sampled_from(scoring_pb2.WhenLate.values()))),
        ScoreRequest(features=features),
    )
    parts = [part.SerializeToString() for part in in_parts]
    more = draw(st.lists(st.sampled_from([*parts, whole(9, 3), real(6, 1), whole(1, 1), b"\x2b\x2c"]), max_size=1))
    return b"".join(draw(st.permutations([*parts, *more])) if draw(st.booleans()) else [*parts, *more])


def changed(message: bytes, data: st.DataObject) -> Iterator[bytes]:
    """The message, and others of its length."""
    yield message
    for _ in range(3):
        position = data.draw(st.integers(0, max(len(message) - 1, 0)))
        others = data.draw(st.binary(min_size=1, max_size=4))
        yield (message[:position] + others + message[position + len(others) :])[: len(message)]


@law
@given(plain() | encodings.score_requests((SERVED, OLDER)), st.data())
def test_what_is_known_changes_nothing(shop: Registry, message: bytes, data: st.DataObject) -> None:
    """Whatever was read before, a request asks for the same, with the same rows and counts, or is refused the same."""
    knowing = new(shop)
    for one in [*changed(message, data), message]:
        assert read(knowing, one) == read(new(shop), one)


def request(**others: object) -> bytes:
    """A plain request."""
    fields = {"request_id": "r1", "visitor": Visitor(id="v1"), "features": own(1, 2), **others}
    return ScoreRequest(**fields).SerializeToString()  # type: ignore[arg-type]  # whatever the test wants


def learned(registry: Registry, message: bytes) -> Template | None:
    """What is learned of a message."""
    parsed = ScoreRequest.FromString(message)
    plan = Plans(registry.current).find([selector.SerializeToString() for selector in parsed.selectors])
    templates = Templates()
    templates.learn(message, plan, plan.parts(b"")[0], parsed.when_late)
    return templates.find(message)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(request(), id="usual"),
        pytest.param(request(request_id=""), id="without a name"),
        pytest.param(ScoreRequest(features=own(1, 2)).SerializeToString(), id="with nothing else"),
        pytest.param(request(selectors=[Selector(model="shop", heads=["value"])]), id="of some heads"),
        pytest.param(request(when_late=scoring_pb2.WHEN_LATE_ANSWER_PRIOR), id="that may be late"),
    ],
)
def test_what_is_learned(shop: Registry, message: bytes) -> None:
    """Other ids and other numbers fit, and the row is theirs."""
    template = learned(shop, message)
    assert template is not None
    other = message.replace(b"r1", b"q9").replace(b"v1", b"w8").replace(b"\x00\x00\x80\x3f", b"\x00\x00\xa0\x40")
    assert template.fits(other)
    assert shop.current.find("shop", None).reader.complete([template.row(other)]).rows.tolist() == [[5, 2]]
    assert template.fits(other.replace(b"w8", b"\xc3\xa9")) == (b"w8" not in other)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(request(features=Features(numbers={"visits": 1})), id="by names"),
        pytest.param(request(features=own(1, 2, missing=[1])), id="with missing features"),
        pytest.param(request(request_id="\u00e9"), id="with a name that is not ASCII"),
        pytest.param(request(selectors=[Selector(), Selector()]), id="of two selectors"),
        pytest.param(request(selectors=[Selector(features=own(1, 2))]), id="with features of a selector's own"),
        pytest.param(request() + whole(9, 1), id="with a field that nobody knows"),
        pytest.param(request() + whole(1, 1), id="with a field of another kind"),
        pytest.param(request() + delimited(2, b""), id="with two visitors"),
        pytest.param(request() + delimited(4, b""), id="with features in two parts"),
        pytest.param(request(selectors=[Selector(heads=["value"] * 1000)]), id="of great length"),
    ],
)
def test_what_is_not_learned(shop: Registry, message: bytes) -> None:
    """Requests that are not so plain are read each time."""
    assert learned(shop, message) is None


def test_memory_is_bounded(shop: Registry) -> None:
    """However many forms of requests somebody thinks of, only so many are kept, and a usual one is soon there again."""
    templates, plan = Templates(), Plans(shop.current).find([])
    (part,) = plan.parts(b"")
    for count in range(MOST_TEMPLATES * 3):
        selector = Selector(model="shop", heads=["value"] * (count % 99), version=count)
        templates.learn(request(selectors=[selector]), plan, part, 0)
        assert sum(map(len, templates._by_length.values())) <= MOST_TEMPLATES  # noqa: SLF001  # memory shows no other way
    templates.learn(request(), plan, part, 0)
    assert templates.find(request()) is not None
