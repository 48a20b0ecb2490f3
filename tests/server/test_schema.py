from collections.abc import Callable

import numpy as np
import pytest

from protos.audience.v1 import bundle_pb2
from server.errors import BadBundle
from server.schema import fingerprint, read_schema
from tests.server.literal import category, message, number, schema

Change = Callable[[list[bundle_pb2.Feature]], object]


def features() -> list[bundle_pb2.Feature]:
    """Three features."""
    return [
        number("recency_days", "days", default=3, minimum=0, maximum=90),
        number("visits", "count"),
        category("device", ("phone", "tablet"), other="tablet"),
    ]


def test_fingerprint_is_the_text_of_the_contract() -> None:
    """The fingerprint is what sha256sum gives for the text that bundle.proto describes."""
    # printf 'audience-schema-1\nrecency_days\tnumber\tdays\nvisits\tnumber\tcount\ndevice\tcategory\t\tphone\ttablet\n'
    # | sha256sum | cut -c1-32
    assert fingerprint(features()) == "97ce5074bd6b5d001008c16cbd432058"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: f.reverse(), id="order"),
        pytest.param(lambda f: setattr(f[0], "name", "recency"), id="name"),
        pytest.param(lambda f: setattr(f[0], "unit", "hours"), id="unit"),
        pytest.param(lambda f: f[2].vocabulary.append("desktop"), id="another word"),
        pytest.param(lambda f: f[2].vocabulary.reverse(), id="order of the words"),
        pytest.param(lambda f: f.pop(), id="one less"),
        pytest.param(lambda f: f.insert(1, category("visits_", ("count",))), id="kind"),
    ],
)
def test_fingerprint_changes(change: Change) -> None:
    """What changes the meaning of a vector changes the fingerprint."""
    changed = features()
    change(changed)
    assert fingerprint(changed) != fingerprint(features())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: setattr(f[0], "default", 7), id="default"),
        pytest.param(lambda f: setattr(f[0], "minimum", -1), id="minimum"),
        pytest.param(lambda f: f[0].ClearField("maximum"), id="maximum"),
        pytest.param(lambda f: setattr(f[0], "description", "other words"), id="description"),
        pytest.param(lambda f: f[2].ClearField("other"), id="word for others"),
    ],
)
def test_fingerprint_stays(change: Change) -> None:
    """What changes only how a server reads a vector leaves the fingerprint as it was."""
    changed = features()
    change(changed)
    assert fingerprint(changed) == fingerprint(features())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param([], "has no features", id="no features"),
        pytest.param([number("")], "1 to 64 of a-z", id="no name"),
        pytest.param([number("Recency")], "'Recency' must be", id="capital"),
        pytest.param([number("a\n")], "must be 1 to 64", id="line feed"),
        pytest.param([number("é")], "must be 1 to 64", id="accent"),
        pytest.param([number("a" * 65)], "must be 1 to 64", id="long name"),
        pytest.param([bundle_pb2.Feature(name="a")], "neither a number nor a category", id="no kind"),
        pytest.param([category("a", ())], "a category has a vocabulary", id="no vocabulary"),
        pytest.param(
            [bundle_pb2.Feature(name="a", kind=bundle_pb2.FEATURE_KIND_NUMBER, vocabulary=["x"])],
            "a number has none",
            id="number with a vocabulary",
        ),
        pytest.param([category("a", ("x", "y", "x"))], "has a word twice", id="word twice"),
        pytest.param([category("a", ("x",), other="y")], "'y', is not in its vocabulary", id="other is unknown"),
        pytest.param([number("a", unit="da\tys")], "control character", id="tab in the unit"),
        pytest.param([category("a", ("x", "y\n"))], "control character", id="line feed in a word"),
        pytest.param([number("a", default=float("nan"))], "the default nan", id="default is NaN"),
        pytest.param([number("a", default=float("inf"))], "the default inf", id="default is infinite"),
        pytest.param([number("a", default=-1, minimum=0)], "outside its range 0 to inf", id="default below"),
        pytest.param([number("a", default=2, maximum=1)], "outside its range -inf to 1", id="default above"),
        pytest.param([number("a", minimum=1, maximum=-1)], "outside its range 1 to -1", id="empty range"),
        pytest.param([number("a", minimum=float("nan"))], "outside its range nan", id="range of NaN"),
        pytest.param([category("a", ("x", "y"), default=2)], "outside its range 0 to 1", id="default is no word"),
        pytest.param([category("a", ("x", "y"), default=0.5)], "which is no position", id="default between words"),
        pytest.param([number("a"), number("b"), number("a")], "a feature twice: ['a']", id="twice"),
    ],
)
def test_bad_schema_is_refused(bad: list[bundle_pb2.Feature], reason: str) -> None:
    """A schema that contradicts itself is refused, with the feature and what is wrong."""
    with pytest.raises(BadBundle) as caught:
        read_schema(bundle_pb2.FeatureSchema(features=bad))
    assert reason in str(caught.value)


def test_wrong_fingerprint_is_refused() -> None:
    """A fingerprint that the features do not give is refused, and the error shows both."""
    wrong = message(*features())
    wrong.fingerprint = "0" * 32
    with pytest.raises(BadBundle, match=f"'{'0' * 32}'.*{fingerprint(features())}"):
        read_schema(wrong)


def test_schema_of_a_manifest() -> None:
    """Columns, defaults and limits stand in the order of the features; no limit is the last finite number."""
    read = schema(*features())
    assert read.width == 3
    assert read.positions == {"recency_days": 0, "visits": 1, "device": 2}
    assert read.category_columns.tolist() == [2]
    assert read.defaults.tolist() == [3, 0, 0]
    largest = float(np.finfo(np.float32).max)
    assert read.lowest.tolist() == [0, -largest, 0]
    assert read.highest.tolist() == [90, largest, 1]


@pytest.mark.parametrize(
    ("words", "other", "word", "code"),
    [
        (("phone", "tablet"), "", "phone", 0),
        (("phone", "tablet"), "", "tablet", 1),
        (("phone", "tablet"), "", "Tablet", None),
        (("phone", "tablet"), "", "", None),
        (("phone", "tablet"), "tablet", "watch", 1),
        (("phone", "tablet"), "tablet", "phone", 0),
        (("phone", ""), "", "", 1),
        (("phone", ""), "", "watch", None),  # an empty word is a word, not the one for others
    ],
)
def test_code(words: tuple[str, ...], other: str, word: str, code: int | None) -> None:
    """A word has its position; an unknown one that of the word for others, if there is one."""
    device = category("device", words, other)
    assert schema(device).code(device, word) == code
