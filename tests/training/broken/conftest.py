"""A command that ends with an error, and what it left behind."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.training import shop
from training.__main__ import main

Refusal = Callable[..., str]


@pytest.fixture(scope="session")
def rows() -> Sequence[Mapping[str, object]]:
    """The shop's records; not to be altered."""
    return shop.records(count=300)


@pytest.fixture
def folder(tmp_path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """A folder with the shop's records."""
    shop.write_records(tmp_path / "shop.csv", rows)
    return tmp_path


@pytest.fixture
def refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Trains what a text says, which has to fail; the last thing that is said."""

    def refused(text: str | bytes, *more: str) -> str:
        file = folder / "shop.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        repository = folder / "repository"
        arguments = ["--config", str(file), "--repository", str(repository), "--work", str(folder / "work"), *more]
        with pytest.raises(SystemExit) as caught:
            main(["train", *arguments])
        assert caught.value.code == 1
        assert not list(folder.rglob("model.onnx"))
        said = capsys.readouterr().err
        assert said.startswith("nothing was published: ")
        assert "Traceback" not in said
        return said.removeprefix("nothing was published: ").replace(f"{folder}/", "")

    return refused
