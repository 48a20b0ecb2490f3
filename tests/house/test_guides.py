"""The guides of training say what the code does: every key, and an example that runs."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.house.configuration_keys import documented_keys, read_keys
from training.__main__ import main
from training.configuration.section import Section
from training.journeys.order import JourneyOrder
from training.judging.gates import GATES
from training.judging.order import JudgingOrder
from training.outcomes.methods import OF_AMOUNTS, OF_CLASSES
from training.quality.order import QualityOrder
from training.segmentations.order import LEARNED, RULES, read_segmentation
from training.segmentations.rules_order import RulesOrder

_DOCS: Final = Path(__file__).parents[2] / "docs"
_SOURCE: Final = ("[data] of rows", "[[attributes]]")

# Where the guide has the keys of each module.
_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "configuration/configuration.py": ("[model]", "The file's tables", "[data] of rows", "[[segmentations]]"),
    "events/feature.py": ("[[features]] of events",),
    "events/label.py": ("label of events",),
    "events/order.py": ("The file's tables", "[data] of events", "[dates]"),
    "journeys/gap.py": ("[[journeys]]", "[[features]] of events"),
    "journeys/order.py": ("[[journeys]]",),
    "judging/order.py": ("[judging]", "[judging.mitigation]", "[gates]", "[approval]"),
    "lookalike/order.py": ("[[outcomes]]",),
    "outcomes/order.py": ("[[outcomes]]",),
    "quality/order.py": ("[quality]",),
    "segmentations/order.py": ("[[segmentations]]",),
    "segmentations/rules_order.py": ("[[segmentations]]", "[[segmentations.segments]]"),
    "sources/attributes.py": _SOURCE,
    "sources/features.py": ("[[features]] of rows",),
    "sources/labels.py": ("[[outcomes]]",),
    "sources/order.py": _SOURCE,
    "special_order.py": ("[[outcomes]]",),
    "texts/order.py": ("[[texts]]",),
    "uplift/order.py": ("[[outcomes]]",),
}


def test_every_module_that_reads_a_configuration_is_known() -> None:
    """A module that begins to read keys has its place in the guide."""
    assert set(read_keys()) == set(_HEADINGS)


@pytest.mark.parametrize("module", _HEADINGS)
def test_every_key_is_documented(module: str) -> None:
    """Each key that the module asks for stands in a table of the guide."""
    documented = documented_keys()
    there = {key for heading in _HEADINGS[module] for key in documented[heading]}
    assert read_keys()[module] - there == set()


@pytest.mark.parametrize("heading", documented_keys())
def test_no_key_is_documented_that_means_nothing(heading: str) -> None:
    """Each key of the table is asked for by a module that the table is about."""
    keys = read_keys()
    read = {key for module, headings in _HEADINGS.items() if heading in headings for key in keys[module]}
    assert set(documented_keys()[heading]) - read == set()


@pytest.mark.parametrize(
    ("heading", "defaults"),
    [("[quality]", QualityOrder()), ("[judging]", JudgingOrder())],
)
def test_defaults_are_those_of_the_code(heading: str, defaults: object) -> None:
    """A number that the guide calls the default is the one that is taken."""
    rows = documented_keys()[heading].items()
    documented = {key: float(cells[1]) for key, cells in rows if re.fullmatch(r"[\d.]+", cells[1])}
    assert documented
    assert documented == {key: getattr(defaults, key) for key in documented}


@pytest.mark.parametrize("heading", documented_keys())
def test_examples_of_keys_are_toml(heading: str) -> None:
    """What stands as an example of a key can be written after it, and is of the stated kind."""
    kinds = {"text": str, "whole": int, "texts": list, "wholes": list, "truth": bool, "table of texts": dict}
    for key, (kind, *_, example) in documented_keys()[heading].items():
        text = example.strip("`")
        if not re.fullmatch(r"\[+[a-z_.]+\]+", text):  # a table of its own
            value = tomllib.loads(f"{key} = {text}")[key]
            assert isinstance(value, kinds.get(kind, object)), f"{key} = {text}"


def test_segmentation_of_the_guide_is_one() -> None:
    """The rules that the guide prints are read without a complaint."""
    (text,) = re.findall(r"```toml\n(.*?)```", (_DOCS / "methods.md").read_text(encoding="utf-8"), re.DOTALL)
    order = read_segmentation(Section(tomllib.loads(text)["segmentations"][0]))
    assert isinstance(order.rules, RulesOrder)
    assert [rule.name for rule in order.rules.rules] == ["Evening big spenders", "Others"]


def test_every_journeys_key_is_a_field() -> None:
    """What is said of journeys is what an order of them has; the two gaps are one field."""
    fields = set(JourneyOrder.__dataclass_fields__) - {"gap"} | {"maximum_gap_hours", "maximum_gap_events"}
    assert set(documented_keys()["[[journeys]]"]) == fields


def test_every_method_is_documented() -> None:
    """Each method of segmentation and outcome, and each gate, is explained."""
    methods = (_DOCS / "methods.md").read_text(encoding="utf-8")
    names = [*LEARNED, *RULES, *OF_CLASSES, *OF_AMOUNTS, "lookalike", "uplift", "two_models", "transformed_outcome"]
    assert [name for name in names if f"`{name}`" not in methods] == []
    assert set(documented_keys()["[gates]"]) == set(GATES)


def test_every_command_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    """The guide's table has each command of python -m training, and none besides."""
    assert main(["--help"]) == 0
    commands = re.findall(r"^  ([a-z]+) +\w", capsys.readouterr().out, re.MULTILINE)
    guide = (_DOCS / "training.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"\| command of .*?\n\n", guide, re.DOTALL)
    assert commands
    assert sorted(re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE)) == sorted(commands)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the records and the configuration of the guide."""
    guide = (_DOCS / "training.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (configuration,) = re.findall(r"```toml\n(\[model\].*?)```", guide, re.DOTALL)
    (tmp_path / "make_visitors.py").write_text(script, encoding="utf-8")
    (tmp_path / "shop.toml").write_text(configuration, encoding="utf-8")
    subprocess.run([sys.executable, "make_visitors.py"], check=True, cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_example_of_the_guide_is_trained(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The configuration that the guide prints is checked, trained, published, and its visitors are scored."""
    assert main(["check", "--config", "shop.toml"]) == 0
    assert "1,200 rows of 1,200 visitors, 4 features" in capsys.readouterr().out
    assert main(["train", "--config", "shop.toml", "--repository", "repository"]) == 0
    version = example / "repository" / "shop" / "1"
    assert {"model.onnx", "manifest.json", "evaluation.json", "report.html"} <= {one.name for one in version.iterdir()}
    assert "Published repository/shop/1" in capsys.readouterr().out
    scored = ["score", "--bundle", str(version), "--input", "visitors.csv", "--visitor", "id", "--out", "lists"]
    assert main(scored) == 0
    assert (example / "lists" / "audiences" / "buys_7d-top-10.parquet").is_file()
