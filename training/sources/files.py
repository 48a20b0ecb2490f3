"""Files of records: where they are, and how one inside a .zip or in another encoding becomes one that can be read."""

import codecs
import importlib.util
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from training.configuration.section import BadConfig
from training.sources.order import SourceOrder

_IN_PACKAGE = re.compile(r"(?P<package>[A-Za-z_][A-Za-z0-9_]+):(?P<path>[^/\\].*)")
_CHUNK_CHARACTERS = 2**20
_BUILT_IN = ("utf-8", "utf8", "utf_8", "ascii", "us-ascii")


def prepare(order: SourceOrder, folders: Sequence[Path], work: Path) -> Path:
    """A file in UTF-8 with the records: the one that is asked for, or one in `work` that was made from it.

    Args:
        order: what is asked for.
        folders: where a relative path is looked up, in this order.
        work: an existing folder.

    Raises:
        BadConfig: there is no such file or member, or it is not in its encoding.
    """
    path = locate(order, folders)
    if order.member:
        path = _extract(order, path, work)
    if order.format in {"csv", "json"} and order.encoding not in _BUILT_IN:
        path = _transcode(order, path, work)
    return path


def locate(order: SourceOrder, folders: Sequence[Path]) -> Path:
    """The file; without folders a relative path begins where the process runs.

    Raises:
        BadConfig: there is none. The text says where it was looked for.
    """
    inside = _IN_PACKAGE.fullmatch(order.path)
    if inside is not None:
        folders, relative = (_package(order, inside["package"]),), inside["path"]
    else:
        relative = order.path
    candidates = [folder / relative for folder in folders or (Path(),)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    places = " or ".join(str(candidate) for candidate in dict.fromkeys(candidates))
    raise order.place.fault(f"path is {order.path!r}, but there is no file {places}; --data DIR says where data are")


def _package(order: SourceOrder, name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise order.place.fault(f"path is {order.path!r}, but the package {name} is not installed")
    return Path(found.submodule_search_locations[0])


def _extract(order: SourceOrder, path: Path, work: Path) -> Path:
    target = work / f"member{Path(order.member).suffix}"
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if order.member not in names:
                raise _no_member(order, names)
            with archive.open(order.member) as inner, target.open("wb") as outer:
                shutil.copyfileobj(inner, outer)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # encrypted, or a strange compression
        raise order.place.fault(f"path is {order.path!r}, which cannot be unpacked: {error}") from error
    return target


def _no_member(order: SourceOrder, names: Sequence[str]) -> BadConfig:
    some = ", ".join(names[:10])
    return order.place.fault(f"member is {order.member!r}, which {order.path} has not; there are {some}")


def _transcode(order: SourceOrder, path: Path, work: Path) -> Path:
    target = work / f"utf8{path.suffix}"
    try:
        with (
            codecs.open(str(path), "r", order.encoding) as inner,
            target.open("w", encoding="utf-8", newline="") as out,
        ):
            while chunk := inner.read(_CHUNK_CHARACTERS):
                out.write(chunk)
    except UnicodeError as error:
        raise order.place.fault(f"encoding is {order.encoding!r}, but {order.path} is not in it: {error}") from error
    return target
