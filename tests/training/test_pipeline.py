"""Training again, going on after an interruption, and what is refused before anything is published."""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from protos.audience.v1 import bundle_pb2
from server.approval import approval_path
from server.bundle import read_description
from server.signature import TrustedKeys
from tests.training import shop
from training.judging.approval import NotApproved, check_approval
from training.judging.command import main as approve
from training.judging.gates import Refused
from training.judging.leakage import Leaks
from training.judging.order import ApprovalOrder
from training.pipeline import Order, train

JUDGING = "[judging]\nbootstraps = 0\nrefits = 0\nimportance_rows = 0\n"
SEGMENTATIONS = {name: shop.SEGMENTATIONS[name] for name in ("value", "levels", "reach")}
OUTCOMES = {"buys": 'kind = "propensity"\nlabel = "bought"\nhorizon_days = 7\nmethods = ["logistic"]\nfolds = 2'}
WHOLE = shop.configuration(SEGMENTATIONS, OUTCOMES, JUDGING)
SMALL = shop.configuration({"value": shop.SEGMENTATIONS["value"]}, OUTCOMES, JUDGING)
TINY = shop.configuration({"value": shop.SEGMENTATIONS["value"]}, {}, JUDGING)


class Told:
    """Keeps the titles of stages that ran, and of those whose result was kept."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.kept: list[str] = []

    def begin(self, title: str) -> None:
        """See Show."""

    def end(self, title: str, seconds: float, *, is_kept: bool) -> None:
        """See Show."""
        assert seconds >= 0
        (self.kept if is_kept else self.made).append(title)


def order_of(folder: Path, text: str = SMALL) -> Order:
    """To train what a text says, of the shop's records, all in this folder."""
    if not (folder / "shop.csv").exists():
        shop.write_records(folder / "shop.csv", shop.records(count=400))
    (folder / "shop.toml").write_text(text)
    (folder / "repository").mkdir(exist_ok=True)
    return Order(
        configuration=folder / "shop.toml",
        data=None,
        repository=folder / "repository",
        model=None,
        until_ms=None,
        without=frozenset(),
        names={},
        seed=None,
        signing_key=None,
        work=folder / "work",
    )


def heads(folder: Path) -> dict[str, bundle_pb2.Head]:
    """The heads of a version, by name."""
    return {head.name: head for head in read_description(folder).manifest.heads}


def published(folder: Path) -> list[str]:
    """Versions in the repository of a folder."""
    return sorted(path.parent.name for path in (folder / "repository").rglob("model.onnx"))


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bundle_pb2.Head], dict[str, bundle_pb2.Head]]:
    """The heads of two versions, of other visitors, with another seed; the second with names, and a rule less."""
    folder = tmp_path_factory.mktemp("twice")
    first = train(order_of(folder, WHOLE), Told()).folder
    shop.write_records(folder / "shop.csv", shop.records(seed=2, count=500))
    less = WHOLE.replace('\n[[segmentations.segments]]\nname = "Old friends"\nwhen = "tenure_days > top(20%)"', "")
    assert less != WHOLE
    names = {"value-1-1": "Our best", "levels-2-1-1": "The many", "absent-1-1": "Nobody"}
    second = train(dataclasses.replace(order_of(folder, less), names=names, seed=77), Told()).folder
    return heads(first), heads(second)


def test_keys_stay(twice: tuple[dict[str, bundle_pb2.Head], dict[str, bundle_pb2.Head]]) -> None:
    """Segments, groups above them and rules that are found again keep their keys, of the version that issued them."""
    first, second = twice
    for name in ("value", "levels"):
        assert {one.key for one in first[name].segments} == {one.key for one in second[name].segments}
        assert {one.key for one in first[name].groups} == {one.key for one in second[name].groups}
        assert {one.issued_in_version for one in (*second[name].segments, *second[name].groups)} == {1}
    assert all(one.overlap > 0.9 for one in (*second[name].segments, *second[name].groups))
    assert [(one.key, one.issued_in_version) for one in second["reach"].segments] == [("reach-app", 1)]


def test_a_key_means_the_same_visitors(twice: tuple[dict[str, bundle_pb2.Head], dict[str, bundle_pb2.Head]]) -> None:
    """What is called by a key spends about as much as before."""
    spent = [
        {one.key: trait.mean for one in version["value"].segments for trait in one.traits if trait.feature == "spend"}
        for version in twice
    ]
    assert spent[0].keys() == spent[1].keys()
    assert all(spent[1][key] == pytest.approx(mean, rel=0.2) for key, mean in spent[0].items())


def test_names_by_people(twice: tuple[dict[str, bundle_pb2.Head], dict[str, bundle_pb2.Head]]) -> None:
    """Names of the file win, of segments and of groups; the others keep theirs."""
    first, second = twice
    before = {one.key: one.name for one in (*first["value"].segments, *first["levels"].groups)}
    after = {one.key: one.name for one in (*second["value"].segments, *second["levels"].groups)}
    assert after == before | {"value-1-1": "Our best", "levels-2-1-1": "The many"}


def test_retired_keys(twice: tuple[dict[str, bundle_pb2.Head], dict[str, bundle_pb2.Head]]) -> None:
    """The key of a rule that was taken away is listed, and others are not."""
    assert {name: list(head.retired_keys) for name, head in twice[1].items() if head.retired_keys} == {
        "reach": ["reach-1-2"]
    }


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """model.onnx of the small configuration, made with kept stages."""
    folder = tmp_path_factory.mktemp("graph")
    return (train(order_of(folder), Told()).folder / "model.onnx").read_bytes()


def test_afresh_gives_the_same_bytes(graph: bytes, tmp_path: Path) -> None:
    """The same seed gives the same model.onnx byte for byte, in another work folder and repository, keeping nothing."""
    order = dataclasses.replace(order_of(tmp_path), is_resumed=False, work=tmp_path / "deep" / "work")
    assert (train(order, Told()).folder / "model.onnx").read_bytes() == graph
    assert not list(tmp_path.rglob("*.joblib"))


def test_goes_on(graph: bytes, tmp_path: Path) -> None:
    """A second run takes every stage from the first and publishes the same graph as the next version."""
    first, second = Told(), Told()
    train(order_of(tmp_path), first)
    folder = train(order_of(tmp_path), second).folder
    assert folder.name == "2"
    assert (folder / "model.onnx").read_bytes() == graph
    assert first.kept == []
    assert second.made == ["Judging every head", "Publishing shop/2"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where one segmentation was trained, and its stages kept."""
    folder = tmp_path_factory.mktemp("done")
    train(order_of(folder, TINY), Told())
    return folder


@pytest.mark.parametrize(
    "change",
    [
        lambda order: dataclasses.replace(order, seed=6),
        lambda order: dataclasses.replace(order, without=frozenset({"country"})),
        lambda order: order_of(order.configuration.parent, TINY.replace('title = "A small shop"', 'title = "Other"')),
    ],
)
def test_another_order_is_made_again(change: Callable[[Order], Order], done: Path, tmp_path: Path) -> None:
    """What was kept for another seed, other features or another configuration is not taken."""
    work = shutil.copytree(done / "work", tmp_path / "work")
    told = Told()
    train(dataclasses.replace(change(order_of(done, TINY)), work=work), told)
    assert told.kept == []


def test_other_files_change_nothing(done: Path) -> None:
    """A file beside the configuration that it does not name makes nothing again."""
    (done / "notes.txt").write_text("not looked at")
    told = Told()
    train(order_of(done, TINY), told)
    assert "Reading the records" in told.kept


def test_records_below_the_folder(tmp_path: Path) -> None:
    """Records that changed are read again, also where they are not beside the configuration."""
    text = TINY.replace('"shop.csv"', '"records/june/shop.csv"')
    file = tmp_path / "records" / "june" / "shop.csv"
    file.parent.mkdir(parents=True)
    for seed, count in ((1, 150), (3, 160)):
        shop.write_records(file, shop.records(seed, count))
        assert len(train(order_of(tmp_path, text), Told()).material.table) == count


def test_gates_refuse(tmp_path: Path) -> None:
    """Each gate that does not hold is named with its distance; report and evaluation are there, and no version."""
    text = f"{SMALL}[gates]\nminimum_auc = 0.99\nminimum_silhouette = 0.1\n[gates.value]\nminimum_share = 0.5\n"
    with pytest.raises(Refused) as caught:
        train(order_of(tmp_path, text), Told())
    said = str(caught.value)
    assert said.startswith("2 of 3 gates do not hold: ")
    auc = re.search(r"buys: minimum_auc is 0\.99, reached is (0\.\d+), (0\.\d+) too little", said)
    assert auc is not None
    assert float(auc[1]) + float(auc[2]) == pytest.approx(0.99, abs=0.01)
    assert "value: minimum_share is 0.5, reached is " in said
    assert published(tmp_path) == []
    evaluation = json.loads((tmp_path / "work" / "evaluation.json").read_text())
    assert {gate["gate"]: gate["holds"] for gate in evaluation["gates"]} == {
        "minimum_auc": False,
        "minimum_silhouette": True,
        "minimum_share": False,
    }
    assert "does not hold" in (tmp_path / "work" / "report.html").read_text()


def test_a_gate_of_rules(tmp_path: Path) -> None:
    """Stability is not asked of rules, which are not learnt, unless they are named."""
    reach = {"reach": shop.SEGMENTATIONS["reach"], "value": shop.SEGMENTATIONS["value"]}
    text = shop.configuration(reach, {}, JUDGING.replace("refits = 0", "refits = 1"))
    assert train(order_of(tmp_path, f"{text}[gates]\nminimum_stability = 0.5\n"), Told()).folder.name == "1"
    with pytest.raises(Refused, match=r"reach: minimum_stability is 0\.5, and nothing is known of it"):
        train(order_of(tmp_path, f"{text}[gates.reach]\nminimum_stability = 0.5\n"), Told())


def test_leaks_refuse(tmp_path: Path) -> None:
    """A feature that gives the outcome away is refused by name, and nothing is published."""
    rows = [{**row, "tenure_days": 10 + 9 * int(str(row["bought"]))} for row in shop.records(count=400)]
    shop.write_records(tmp_path / "shop.csv", rows)
    with pytest.raises(Leaks, match="tenure_days alone nearly decides buys"):
        train(order_of(tmp_path), Told())
    assert published(tmp_path) == []
    assert (tmp_path / "work" / "report.html").is_file()


def test_approval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The version says who has to agree: the command lets nobody else, and the label waits for it."""
    text = f'{SMALL}[approval]\nlabels = ["stable"]\npeople = ["Ada Lovelace"]\n'
    trained = train(order_of(tmp_path, text), Told())
    evaluation = json.loads((trained.folder / "evaluation.json").read_text())
    assert evaluation["approval"] == {"required": True, "labels": ["stable"], "people": ["Ada Lovelace"]}
    assert (
        "Approval is needed before this version takes the label stable" in (trained.folder / "report.html").read_text()
    )
    order = ApprovalOrder(
        required=evaluation["approval"]["required"],
        labels=tuple(evaluation["approval"]["labels"]),
        people=tuple(evaluation["approval"]["people"]),
    )
    repository = tmp_path / "repository"
    place = ["--repository", str(repository), "--model", "shop", "--version", "1"]
    with pytest.raises(NotApproved, match="shop/1 takes the label 'stable' only when Ada Lovelace approved it"):
        check_approval(repository, "shop", 1, "stable", order, None)
    with pytest.raises(SystemExit):
        approve([*place, "--by", "Charles Babbage"])
    assert "Charles Babbage may not approve shop/1; Ada Lovelace may" in capsys.readouterr().err
    assert not approval_path(repository, "shop", 1).exists()
    assert approve([*place, "--by", "Ada Lovelace"]) == 0
    found = check_approval(repository, "shop", 1, "stable", order, None)
    assert found is not None
    assert found.by == "Ada Lovelace"
    with pytest.raises(NotApproved, match="no trusted key signed it"):
        check_approval(repository, "shop", 1, "stable", order, TrustedKeys(()))
