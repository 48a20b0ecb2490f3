import json
from pathlib import Path

import pytest

from tests.training.report.samples import evaluation
from training.report.command import main
from training.report.page import render


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a version's folder holds of evaluations."""
    folder = tmp_path / "shop" / "3"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text(json.dumps(evaluation()), encoding="utf-8")
    return folder


def test_it_writes_the_page(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page of the version's evaluation, where it was asked for, and says so."""
    target = tmp_path / "page.html"
    assert main([str(folder), "--output", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == render(evaluation())
    assert capsys.readouterr().out == f"Wrote {target}\n"
    assert [path.name for path in folder.iterdir()] == ["evaluation.json"]


def test_without_an_output_the_page_is_named_after_the_version(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never into the version itself, which never changes."""
    monkeypatch.chdir(tmp_path)
    assert main([str(folder)]) == 0
    assert (tmp_path / "shop-3-report.html").is_file()


def test_it_writes_to_the_standard_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing but the page."""
    assert main([str(folder), "--output", "-"]) == 0
    assert capsys.readouterr().out == render(evaluation())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "is not there; needed is the folder of a version"),
        ("{", "is no JSON"),
        ("[]", "has the format None, needed is 1"),
        ('{"customer_value": {}}', "train the model again with this Audience"),
    ],
)
def test_what_cannot_be_read_is_said(
    folder: Path, content: str | None, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a sentence on the last line, with exit status 1 and without a page."""
    path = folder / "evaluation.json"
    path.unlink() if content is None else path.write_text(content, encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main([str(folder), "--output", str(folder / "page.html")])
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("no report was written: ")
    assert text in error
    assert not (folder / "page.html").exists()


def test_a_damaged_version_has_no_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A manifest that nothing vouches for is not believed."""
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main([str(folder), "--output", "-"])
    assert stopped.value.code == 1
    assert "no report was written" in capsys.readouterr().err
