import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from server.bundle import read_bundle
from server.heads import Segmentation
from tests.bundles import SPECS, Made, make_population
from training.base.audiences import answers_of
from training.base.command import main
from training.features import Features

COUNT = 70_000  # more than are scored at once


@pytest.fixture(scope="session")
def visitors() -> Features:
    """Their features."""
    return make_population(SPECS, COUNT, np.random.default_rng(7))


@pytest.fixture
def asked(made: Made, repository: Path, visitors: Features, tmp_path: Path) -> list[str]:
    """What scores the visitors with a version, into the folder `out`."""
    columns = {spec.name: visitors[:, i] for i, spec in enumerate(SPECS) if not spec.vocabulary}
    words = np.array(SPECS[4].vocabulary)[visitors[:, 4].astype(int)]
    table = pa.table({"visitor": [f"v{i}" for i in range(COUNT)], **columns, "device": words})
    pq.write_table(table, tmp_path / "visitors.parquet")
    places = {"bundle": made.publish(repository), "input": tmp_path / "visitors.parquet", "out": tmp_path / "out"}
    return [argument for name, path in places.items() for argument in (f"--{name}", str(path))]


def read(path: Path) -> pa.Table:
    """A file that was written."""
    return pq.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_everyone(asked: list[str], visitors: Features, tmp_path: Path, form: str, made: Made) -> None:
    """Each visitor gets what the estimators say, in the table's order; each audience is a list of its members."""
    assert main([*asked, "--format", form, "--threads", "2", "--top", "20"]) == 0
    out = tmp_path / "out"
    scores, sizes = read(out / f"scores.{form}"), json.loads((out / "sizes.json").read_text())
    expected = np.concatenate([head.scores(visitors) for head in made.heads], axis=1)
    value = read_bundle(Path(asked[1])).description.heads["value"]
    assert isinstance(value, Segmentation)
    assert scores["visitor"].to_pylist() == [f"v{i}" for i in range(COUNT)]
    sure = expected[:, 2] > 1e-5
    named = np.array([value.keys.index(key) for key in scores["value"].to_pylist()])
    assert (named == expected[:, 0])[sure].all()
    np.testing.assert_allclose(scores["spend_30d"].to_numpy(), expected[:, -1], rtol=1e-5)
    assert (scores["missing"].to_numpy() == 0).all()
    keys = [one["key"] for one in sizes["audiences"]]
    members = {key: set(read(out / "audiences" / f"{key}.{form}")["visitor"].to_pylist()) for key in keys}
    is_top = scores["buys_7d_percentile"].to_numpy() >= 80
    assert members["buys_7d-top-20"] == set(scores["visitor"].filter(pa.array(is_top)).to_pylist())
    assert [one["size"] for one in sizes["audiences"]] == [len(who) for who in members.values()]
    assert sizes["in_both"] == [[len(a & b) for b in members.values()] for a in members.values()]


def test_levels(made: Made, repository: Path) -> None:
    """Who is within a segment is within those above it."""
    manifest = type(made.manifest)()
    manifest.CopyFrom(made.manifest)
    head = manifest.heads[0]
    head.groups.add(key="all", name="All")
    head.segments[0].parent = "all"
    folder = dataclasses.replace(made, manifest=manifest).publish(repository)
    answers = answers_of(read_bundle(folder).description, 10)[0]
    scores = np.zeros((3, manifest.graph.score_count), np.float32)
    scores[:, 0] = [0, 1, 2]
    assert [audience.key for audience in answers.audiences] == ["all", *(segment.key for segment in head.segments)]
    assert answers.members(scores).tolist() == [
        [True, True, False, False],
        [False, False, True, False],
        [False, False, False, True],
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (["--input", "nothing.parquet"], "nothing.parquet is not there"),
        (["--bundle", "nothing"], "nothing is no version's folder"),
        (["--visitor", "who"], "no column 'who'"),
        (["--out", "."], "is there already, and not empty"),
        (["--top", "0"], "is no percentage"),
        (["--threads", "0"], "is no number of threads"),
    ],
)
def test_what_is_wrong_is_said(
    asked: list[str], tmp_path: Path, change: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence, and nothing is written."""
    with pytest.raises(SystemExit) as caught:
        main([*asked, *change])
    assert caught.value.code in {1, 2}
    assert re.search(reason, capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
