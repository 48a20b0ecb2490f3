from pathlib import Path

import duckdb
import numpy as np
import pytest

from server.tokens import joined
from tests.training.texts.reviews import TONE
from training.configuration.section import BadConfig, Section
from training.outcomes.examples import CannotLearn
from training.texts.columns import apply, features_of, learn, read_sentences
from training.texts.fit import TextHead
from training.texts.order import TextOrder, read_text


def _order(**keys: object) -> TextOrder:
    return read_text(Section({"name": "tone", "kind": "sentiment", **keys}, "texts[0]"))


def test_features_of_texts(site: TextHead) -> None:
    """Every row gets the features of its text, equal texts equal ones, and a row without text what is usual."""
    texts = np.array(["film", None, "food", "film", "  "], dtype=object)
    scores, is_missing = features_of(site, texts, to_learn=False)
    assert is_missing.tolist() == [[False] * 3, [True] * 3, [False] * 3, [False] * 3, [True] * 3]
    np.testing.assert_allclose(scores[[0, 2, 3]], apply(site, ["film", "food", "film"]))
    np.testing.assert_allclose(scores[[1, 4]], [np.median(scores[[0, 2, 3]], axis=0)] * 2)


def test_no_texts_at_all(site: TextHead) -> None:
    """Where no row has a text the features are there, and unknown."""
    scores, is_missing = features_of(site, np.array([None, ""], dtype=object), to_learn=True)
    assert is_missing.all()
    assert np.isfinite(scores).all()


def test_to_learn_from_a_text_is_as_if_it_were_new(site: TextHead) -> None:
    """A text that the head was fitted on is scored by one that was not, however it is written; others by itself."""
    seen, new = "battery charger works number3", "film and food"
    texts = np.array([seen, seen.upper(), new], dtype=object)
    scores, _ = features_of(site, texts, to_learn=True)
    np.testing.assert_allclose(scores[[0, 1]], [site.held_out[joined(seen)]] * 2, rtol=1e-6)
    assert np.abs(scores[0] - apply(site, [seen])[0]).max() > 1e-4
    np.testing.assert_allclose(scores[2], apply(site, [new])[0], rtol=1e-6)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_sentences_of_a_file(tmp_path: Path, suffix: str) -> None:
    """Texts and labels come from the named columns; rows that lack one are left out."""
    order = _order(path=f"s.{suffix}", text="said", label="is good")
    values = "(VALUES ('a, \"b\"', 1, 2), (NULL, 1, 2), ('c', NULL, 2), ('d', 0, 2)) v(said, \"is good\", other)"
    duckdb.connect().execute(f"COPY (SELECT * FROM {values}) TO '{tmp_path / f's.{suffix}'}'")  # noqa: S608  # constants
    assert read_sentences(order, [tmp_path]) == (['a, "b"', "d"], ["1", "0"])


def test_sentences_without_header_or_quotes(tmp_path: Path) -> None:
    """Lines of a text and a label, in which a quote is a letter like others, and a query over two such files."""
    (tmp_path / "a.txt").write_text('He said "fine\t1\n"So what\t0\n', encoding="utf-8")
    (tmp_path / "b.txt").write_text("Well\t1\n", encoding="utf-8")
    file = {"delimiter": "\t", "quote": "", "header": ["text", "label"]}
    order = _order(
        files={"a": {"path": "a.txt", **file}, "b": {"path": "b.txt", **file}},
        query="SELECT * FROM a UNION ALL SELECT * FROM b",
    )
    texts, labels = read_sentences(order, [tmp_path])
    assert dict(zip(texts, labels, strict=True)) == {'He said "fine': "1", '"So what': "0", "Well": "1"}


def test_records_that_are_labelled_themselves() -> None:
    """Without a file the head is learnt of the records' own columns, of those rows that have a label."""
    words: list[tuple[str | None, str | None]]
    words = [(f"{text} number{i}", stars) for i in range(20) for text, stars in (("great", "1"), ("bad", "0"))]
    words = [*words, ("great", None), (None, "1")] * 2
    columns = {
        "review": np.array([text for text, _ in words], dtype=object),
        "stars": np.array([stars for _, stars in words], dtype=object),
    }
    head = learn(_order(column="review", label="stars"), columns, [], seed=0)
    assert head.evaluation["sentence_count"] == 80
    assert apply(head, ["great"])[0, 0] > 0.5 > apply(head, ["bad"])[0, 0]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there is named, and so is a column; a file of other lines is not taken for sentences."""
    with pytest.raises(BadConfig, match=r"texts\[0\].*path is 'absent\.csv', but there is no file"):
        read_sentences(_order(path="absent.csv"), [tmp_path])
    (tmp_path / "s.csv").write_text("text,label\ngood,1\nbad,0,1,1\nworse,0,2,2\n", encoding="utf-8")
    with pytest.raises(CannotLearn, match=r"text head 'tone': \d+ lines are no records; see delimiter"):
        read_sentences(_order(path="s.csv"), [tmp_path])
    with pytest.raises(CannotLearn, match=r"text head 'tone': the records have no column 'stars'"):
        read_sentences(_order(path="s.csv", label="stars"), [tmp_path])


def test_somewhere_has_to_be_labels() -> None:
    """Neither a file nor a column is nothing to learn from."""
    with pytest.raises(BadConfig, match="path is needed, a file of labelled texts, or column"):
        _order()
    assert TONE.text == "review"
