from protos.audience.v1 import bundle_pb2
from tests.training.report.samples import evaluation
from training.report.card import Facts, card, facts_of
from training.report.part import Part


def entries(**changes: object) -> dict[str, list[str]]:
    """The sample's card, with some keys of the evaluation changed."""
    made = card(Part({**evaluation(), **changes}), Facts(), ["Something is wanting."])
    return {title: list(sentences) for title, sentences in made}


def test_it_says_what_it_is_and_is_for() -> None:
    """The model and its questions, in sentences."""
    found = entries()
    assert found["Model"][0] == "The shop's visitors (shop), version 3."
    assert "worth puts a visitor into one of 3 segments by how valuable the visitor is." in found["Intended use"]
    assert "buys answers: buys within 7 days, looking 7 days ahead." in found["Intended use"]


def test_it_says_what_it_learnt_from_and_how_it_was_judged() -> None:
    """Data, visitors, dates and the split."""
    found = entries()
    data = " ".join(found["Who and what it learnt from"])
    assert "2,000 visitors in 20,000 rows. Only records before 1 December 2025 were used." in data
    assert found["How it was judged"][0] == (
        "buys: on 5,000 rows of 1,200 visitors, 1 November 2025 to 1 December 2025: tested on later dates."
    )


def test_limits_begin_with_what_was_found_wanting() -> None:
    """The warnings are limits, before what is always so."""
    limits = entries()["Limits"]
    assert limits[0] == "Something is wanting."
    assert "worth leaves 5.0% of the visitors without a segment." in limits


def test_fairness_that_was_not_judged_is_not_claimed() -> None:
    """A head without groups says that nothing is known of them; nothing is said of columns nobody compared."""
    ethics = entries()["Ethical considerations"]
    assert "buys was compared between groups of age." in ethics
    assert any(sentence.startswith("spends was not compared between groups of people") for sentence in ethics)
    assert "None of the columns that groups were formed by is among what it learns from." in ethics
    alone = {"spends": evaluation()["outcomes"]["spends"]}
    assert not any("columns" in sentence for sentence in entries(outcomes=alone)["Ethical considerations"])


def test_a_sensitive_column_that_is_a_feature_is_named() -> None:
    """If groups are formed by what the model learns from, the card says so."""
    model = {**evaluation()["model"], "features": [{"name": "age"}]}
    ethics = entries(model=model)["Ethical considerations"]
    assert "Of the columns that groups were formed by, age is also what it learns from." in ethics


def test_nothing_recorded_nothing_claimed() -> None:
    """An empty evaluation gives no sentence of use, data, judging or ethics."""
    assert [title for title, _ in card(Part(), Facts(), [])] == ["Model", "Limits"]


def test_facts_of_a_manifest() -> None:
    """Names of segments, libraries in order, the schema's fingerprint and what runs the graph."""
    manifest = bundle_pb2.Manifest(
        graph=bundle_pb2.Graph(opset=21, smallest_runtime="1.22.0"),
        schema=bundle_pb2.FeatureSchema(fingerprint="f00"),
        heads=[
            bundle_pb2.Head(segments=[bundle_pb2.SegmentFacts(key="a", name="A"), bundle_pb2.SegmentFacts(key="b")])
        ],
        training=bundle_pb2.TrainingFacts(libraries={"onnx": "1.19", "duckdb": "1.5"}),
    )
    facts = facts_of(manifest)
    assert facts == Facts({"a": "A"}, {"duckdb": "1.5", "onnx": "1.19"}, "f00", 21, "1.22.0")
    assert list(facts.libraries) == ["duckdb", "onnx"]
    model = dict(card(Part(), facts, []))["Model"]
    assert "It is one ONNX graph, opset 21, for ONNX Runtime 1.22.0 or newer." in model
    assert "Made with duckdb 1.5, onnx 1.19." in model
