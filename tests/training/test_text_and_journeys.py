"""Text heads and journeys by configuration: learnt, judged, published, and read again from the version."""

import csv
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from server.bundle import read_bundle
from server.model import load_model
from server.tokens import joined
from tests.training import shop
from tests.training.test_pipeline import Told, order_of
from training.configuration.section import BadConfig
from training.pipeline import Trained, train
from training.requests import main as write_requests

JUDGING = "[judging]\nbootstraps = 0\nrefits = 0\nimportance_rows = 0\n"
GOOD, BAD = (
    ("great shoes", "lovely and quick", "works well", "very good"),
    ("awful", "broke at once", "slow", "very bad"),
)
BUYS = 'kind = "propensity"\nlabel = "bought"\nhorizon_days = 7\nmethods = ["logistic"]\nfolds = 2'
TONE = (
    '[[texts]]\nname = "tone"\ntitle = "how content the review sounds"\nkind = "sentiment"\npath = "labelled.csv"\n'
    'column = "review"\n'
)
EVENTS = """
[model]
name = "walks"
[data]
shape = "events"
title = "made up"
query = "SELECT visitor, time, kind FROM log"
[data.files]
log = "log.csv"
[dates]
every_days = 7
window_days = 14
[[features]]
name = "looks"
description = "pages in two weeks"
function = "count"
window_days = 14
[[features]]
name = "recency_days"
description = "days since the last page"
function = "since_last"
window_days = 14
[[outcomes]]
name = "buys"
kind = "propensity"
methods = ["logistic"]
folds = 2
horizon_days = 7
label = { function = "any", where = "kind = 'buy'", within_days = 7 }
[[journeys]]
name = "before"
title = "what is done before buying"
outcome = "buys"
word = "kind"
window_days = 14
minimum_visitors = 5
"""


def write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A version of the shop whose buyers write contented reviews, and whose every tenth visitor writes none."""
    folder = tmp_path_factory.mktemp("reviewed")
    rows = shop.records(count=300)
    for number, row in enumerate(rows):
        words = GOOD if row["bought"] else BAD
        row["review"] = "" if number % 10 == 0 else words[number % 4]
    shop.write_records(folder / "shop.csv", rows)
    sentences = [(f"{text} number{i}", int(text in GOOD)) for text in (*GOOD, *BAD) for i in range(5)]
    write(folder / "labelled.csv", ("text", "label"), list(sentences))
    text = shop.configuration({"value": shop.SEGMENTATIONS["value"]}, {"buys": BUYS}, JUDGING + TONE)
    return train(order_of(folder, text), Told())


def test_a_text_is_a_feature(reviewed: Trained) -> None:
    """What the review says is a feature of the schema, the best one here; who wrote none has it as missing."""
    table = reviewed.material.table
    assert table.specs[-1].name == "tone"
    bought, tone = table.outcomes["buys"] > 0, table.features[:, -1]
    wrote = ~table.is_missing[:, -1]
    assert (~wrote).sum() == 30
    assert tone[wrote & bought].min() > tone[wrote & ~bought].max()
    manifest = read_bundle(reviewed.folder).description.manifest
    assert manifest.schema.features[-1].name == "tone"


def test_the_text_graph_is_in_the_version(reviewed: Trained) -> None:
    """The manifest names its file; asked for itself, it gives the features that were learnt from."""
    bundle = read_bundle(reviewed.folder)
    (graph,) = bundle.description.manifest.texts
    assert (graph.name, graph.file, list(graph.features)) == ("tone", "text_tone.onnx", ["tone"])
    session = onnxruntime.InferenceSession(str(reviewed.folder / graph.file), providers=["CPUExecutionProvider"])
    texts = reviewed.material.table.columns["review"][1:5].tolist()
    (scores,) = session.run(["scores"], {"text": np.array([joined(text) for text in texts], dtype=object)})
    np.testing.assert_allclose(scores[:, 0], reviewed.material.table.features[1:5, -1], atol=1e-6)
    assert load_model(bundle, largest_batch=4).run(reviewed.material.table.features).shape[0] == 300
    evaluation = json.loads((reviewed.folder / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["texts"]["tone"]["kind"] == "sentiment"
    assert "how content the review sounds" in (reviewed.folder / "report.html").read_text(encoding="utf-8")


def walk(folder: Path) -> None:
    """Visitors of ten weeks, half of whom look, compare, and buy the week after; the others look only."""
    rows = []
    for number in range(80):
        for week in range(10):
            day = 1 + 7 * week + number % 5
            at = np.datetime64("2026-01-01") + np.timedelta64(day, "D")
            rows.append((f"v{number}", f"{at}T10:00:00", "look"))
            if (number + week) % 2:
                rows.append((f"v{number}", f"{at}T11:00:00", "compare"))
                rows.append((f"v{number}", f"{at + np.timedelta64(7, 'D')}T09:00:00", "buy"))
    write(folder / "log.csv", ("visitor", "time", "kind"), list(rows))


def test_journeys_are_reported(tmp_path: Path) -> None:
    """The journey that leads to buying is found before the newest date whose outcome is known, and is in the report."""
    walk(tmp_path)
    trained = train(order_of(tmp_path, EVENTS), Told())
    (found,) = json.loads((trained.folder / "evaluation.json").read_text(encoding="utf-8"))["journeys"]
    assert found["visitor_count"] == 80
    sure = {tuple(journey["words"]): journey for journey in found["journeys"] if journey["sure"]}
    assert any("compare" in words for words in sure)
    assert "what is done before buying" in (trained.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (EVENTS.replace('outcome = "buys"', 'outcome = "flies"'), "outcome is 'flies'; needed is a propensity"),
        (EVENTS + TONE, "column is for records that are rows"),
        (shop.configuration({}, {"buys": BUYS}, JUDGING) + EVENTS[EVENTS.index("[[journeys]]") :], "made of events"),
    ],
)
def test_what_does_not_go_together(text: str, says: str, tmp_path: Path) -> None:
    """Said before any record is read, with the place."""
    with pytest.raises(BadConfig, match=rf"line \d+: .*{says}"):
        train(order_of(tmp_path, text), Told())


def test_requests_have_what_texts_say(reviewed: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has no review sends none; the others send what the version's own graph says of theirs."""
    folder = reviewed.folder.parents[2]
    assert write_requests(["--config", str(folder / "shop.toml"), "--count", "300"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum("tone" in line["features"]["numbers"] for line in lines) == 270
