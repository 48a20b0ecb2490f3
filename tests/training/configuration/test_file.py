"""A configuration's file: whatever keeps it from being read is said, with what to change."""

from pathlib import Path

import pytest

from training.configuration.file import read_file
from training.configuration.section import BadConfig


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb = \n", "shop.toml, line 2, column 5: this is no TOML: Invalid value; texts need quotes"),
        (b"a = shop\n", "shop.toml, line 1, column 5: this is no TOML: Invalid value"),
        (b"a = 1\na = 2\n", "shop.toml, line 2, column 6: this is no TOML: Cannot overwrite a value"),
        (b"[a\n", "shop.toml, line 1, column 3: this is no TOML: Expected ']'"),
        (b'a = """never ends', "shop.toml, end of document: this is no TOML: Unterminated string"),
        ('a = 1\nb = "é"'.encode("latin-1"), "shop.toml, line 2: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (b"a = 1\n" * 200_000, "shop.toml has more than 1,048,576 bytes; a configuration is a short text: is it the d"),
        (b"a = " + b"[" * 100_000, "shop.toml: brackets stand too deep in brackets"),
    ],
)
def test_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Bad syntax, another encoding, a huge file and endless brackets are each a sentence."""
    path = tmp_path / "shop.toml"
    path.write_bytes(content)
    with pytest.raises(BadConfig) as caught:
        read_file(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_absent(tmp_path: Path) -> None:
    """No such file, and a folder, are said by their names."""
    with pytest.raises(BadConfig, match=r"none\.toml cannot be read: .*No such file"):
        read_file(tmp_path / "none.toml")
    with pytest.raises(BadConfig, match=r"cannot be read: .*[Dd]irectory"):
        read_file(tmp_path)


def test_lines_of_windows(tmp_path: Path) -> None:
    """Lines that end as Windows ends them are counted alike."""
    path = tmp_path / "shop.toml"
    path.write_bytes(b"# one\r\n\r\nseed = -1\r\n")
    with pytest.raises(BadConfig, match=r"shop\.toml, line 3: seed is -1; needed is a whole number from 0"):
        read_file(path).whole("seed")
