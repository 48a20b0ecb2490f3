import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.training import shop
from training import command
from training.__main__ import main
from training.configuration.configuration import SHIPPED, read_configuration

COMMANDS = ("train", "configurations", "check", "requests", "score", "report", "approve", "import")
TINY = shop.configuration(
    {"value": shop.SEGMENTATIONS["value"]},
    {"buys": 'kind = "propensity"\nlabel = "bought"\nhorizon_days = 7\nmethods = ["logistic"]\nfolds = 2'},
    "[judging]\nbootstraps = 0\nrefits = 0\nimportance_rows = 0\n",
)


def _ends(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return (int(caught.value.code or 0), *capsys.readouterr())


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command says what it does, what it takes, and gives an example of itself."""
    status, out, err = _ends([name, "--help"], capsys)
    words = " ".join(out.split())
    assert (status, err) == (0, "")
    assert words.startswith(f"usage: python -m training {name}")
    assert re.search(rf"Example: python -m training {name}\b", words)
    assert len(words.split("options:")[0]) > 80


def test_help_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command, or with --help, all are listed with a phrase."""
    for arguments in ([], ["--help"], ["-h"]):
        assert main(arguments) == 0
        out = capsys.readouterr().out
        assert [line.split()[0] for line in out.splitlines() if line.startswith("  ")] == list(COMMANDS)


def test_no_such_command(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that there is not ends with status 2, and the list."""
    assert main(["trian"]) == 2
    err = capsys.readouterr().err
    assert err.endswith("there is no command 'trian'\n")
    assert "configurations" in err


def test_configurations(capsys: pytest.CaptureFixture[str]) -> None:
    """Every shipped configuration is listed with its title and file."""
    assert main(["configurations"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    files = sorted(SHIPPED.glob("*.toml"))
    assert len(files) >= 5
    for file in files:
        assert f"{file.stem} {read_configuration(file).model.title}" in out
        assert file.name in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the following arguments are required: --config, --repository"),
        (["--config", "shop_orders"], "the following arguments are required: --repository"),
        (["--config", "c", "--repository", "r", "--model", "Bad Name"], "'Bad Name' is no model name"),
        (["--config", "c", "--repository", "r", "--until", "tomorrow"], "'tomorrow' is no day; needed is one such as"),
        (["--config", "c", "--repository", "r", "--seed", "-1"], "'-1' is no whole number from 0 to 4294967295"),
        (["--config", "c", "--repository", "r", "--epochs", "3"], "unrecognized arguments: --epochs 3"),
    ],
)
def test_wrong_arguments(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong argument ends with status 2 and says what is right."""
    status, _, err = _ends(["train", *arguments], capsys)
    assert status == 2
    assert says in err


def test_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command makes the repository, publishes under the given name, and shows segments, figures and the report."""
    shop.write_records(tmp_path / "records.csv", shop.records(count=200))
    (tmp_path / "shop.toml").write_text(TINY)
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "records.csv").rename(data / "shop.csv")
    repository = tmp_path / "new" / "repository"
    more = ["--data", str(data), "--model", "mine", "--seed", "3", "--work", str(tmp_path / "work")]
    assert main(["train", "--config", str(tmp_path / "shop.toml"), "--repository", str(repository), *more]) == 0
    out, err = capsys.readouterr()
    words = " ".join(out.split())
    assert err == ""
    assert "Records: 200 of 200 rows are used" in out
    assert "Looking for leaks" in out
    assert "trained on 200 visitors" in words
    for expected in ("value-1-1 new", "ROC AUC", "logistic"):
        assert expected in words
    assert f"The report: {repository / 'mine' / '1' / 'report.html'}" in out
    assert (repository / "mine" / "1" / "model.onnx").is_file()
    assert json.loads((tmp_path / "work" / "mine" / "evaluation.json").read_text())["model"]["name"] == "mine"


def test_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who presses Ctrl-C is told that nothing was published, and that the same command goes on."""

    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    shop.write_records(tmp_path / "shop.csv", shop.records(count=200))
    (tmp_path / "shop.toml").write_text(TINY)
    monkeypatch.setattr(command, "train", interrupt)
    arguments = ["train", "--config", str(tmp_path / "shop.toml"), "--repository", str(tmp_path / "repository")]
    status, _, err = _ends(arguments, capsys)
    assert status == 130
    assert "nothing was published. The same command goes on from where it was" in err


def test_names_beside_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A training writes the names that it found; changed, and kept beside the configuration, they are taken."""
    shop.write_records(tmp_path / "shop.csv", shop.records(count=200))
    (tmp_path / "shop.toml").write_text(TINY, encoding="utf-8")
    arguments = ["train", "--config", str(tmp_path / "shop.toml"), "--repository", str(tmp_path / "repository")]
    assert main([*arguments, "--work", str(tmp_path / "work")]) == 0
    (found,) = (tmp_path / "work").rglob("names.toml")
    lines = found.read_text(encoding="utf-8").splitlines()
    key = lines[0].split(" = ")[0].strip('"')
    (tmp_path / "shop.names.toml").write_text("\n".join([f'"{key}" = "Our best"', *lines[1:]]), encoding="utf-8")
    assert main([*arguments, "--work", str(tmp_path / "work")]) == 0
    assert "Our best" in capsys.readouterr().out
