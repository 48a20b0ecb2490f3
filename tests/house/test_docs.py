"""The documentation names what there is."""

import re
from dataclasses import fields
from pathlib import Path

from server import series
from server.settings import Settings

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_in_the_readme() -> None:
    """Each flag of the server stands in the README's table, and nothing that is no flag."""
    documented = set(re.findall(r"^\| `--([a-z-]+)`", _README, re.MULTILINE))
    assert documented == {field.name.replace("_", "-") for field in fields(Settings)}


def test_links_lead_somewhere() -> None:
    """Every relative link in the documentation leads to a file or a folder."""
    pages = [_ROOT / "README.md", _ROOT / "CONTRIBUTING.md", *(_ROOT / "docs").rglob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.relative_to(_ROOT)} links to {link}"


def test_every_metric_is_documented() -> None:
    """Each metric that the server exports is explained for operators."""
    names = [metric.name for metric in vars(series).values() if isinstance(metric, series.Metric)]
    guide = (_ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert "audience_requests_total" in names
    assert [name for name in names if f"`{name}`" not in guide] == []


def test_every_metric_is_shown() -> None:
    """Each that is counted is exported too, and not only kept: it has its place among those that are collected."""
    state = {series.MODEL_VERSION, series.WORKERS}  # not counted, but looked up when somebody asks
    counted = {metric for metric in vars(series).values() if isinstance(metric, series.Metric)} - state
    assert set(series.COUNTED) == counted
