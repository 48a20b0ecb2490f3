"""Who may import whom.

    protos <- server <- training        loadtest -> protos

Only transports, services, administration and entry points know gRPC; only the model's runtime, and training's export
and imports know ONNX; only what makes and what checks signatures knows their library.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib import metadata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

# What each package of ours may import of ours.
OURS = {
    "protos": {"protos"},
    "server": {"server", "protos"},
    "training": {"training", "server", "protos"},
    "loadtest": {"loadtest", "protos"},
}
UNSHIPPED = {"tests"}

# Where a library may be imported at all; libraries that are not here may be imported anywhere.
GRPC_PLACES = (
    "protos/*",
    "server/transport/*",
    "server/administration/*",
    "service.py",
    "__main__.py",
    "loadtest/*",
)
FSSPEC_PLACES = ("server/remote.py",)  # 0.15 s, which a server of a folder does without
ONNX_PLACES = ("server/model.py", "training/export*", "training/imports*")
KEY_PLACES = ("server/signature.py", "training/signature.py")
PLACES = {
    "fsspec": FSSPEC_PLACES,
    "grpc": GRPC_PLACES,
    "grpc_health": GRPC_PLACES,
    "grpc_reflection": GRPC_PLACES,
    "grpc_status": GRPC_PLACES,
    "onnx": ONNX_PLACES,
    "onnxruntime": ONNX_PLACES,
    "skl2onnx": ONNX_PLACES,
    "cryptography": KEY_PLACES,
}


def misplaced(path: str, source: str) -> list[str]:
    """Imports in the module at `path`, relative to the root, that the house does not allow; a sentence each."""
    place, tree = PurePosixPath(path), ast.parse(source)
    tops = sorted({name.split(".")[0] for name in _imported(place, tree)})
    ours = OURS[place.parts[0]]
    return [
        *(f"{path} imports {top}" for top in tops if top in (OURS.keys() | UNSHIPPED) - ours),
        *(f"{path} imports {top}" for top in tops if top in PLACES and not _may_import(place, tree, top)),
    ]


def undeclared(path: str, source: str, declared: Container[str]) -> list[str]:
    """Imports that no distribution in `declared`, by normalised name, provides; a sentence each."""
    names = sorted(set(_imported(PurePosixPath(path), ast.parse(source))))
    foreign = [name for name in names if name.split(".")[0] not in sys.stdlib_module_names | OURS.keys() | UNSHIPPED]
    return [f"{path} imports {name}" for name in foreign if not any(one in declared for one in providers(name))]


@cache
def providers(module: str) -> frozenset[str]:
    """Normalised names of the installed distributions that hold `module`."""
    candidates = set(_distributions().get(module.partition(".")[0], ()))
    if len(candidates) > 1:  # a namespace, such as google
        candidates = {one for one in candidates if _holds(one, module.replace(".", "/"))}
    return frozenset(canonicalize_name(one) for one in candidates)


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())


def _holds(distribution: str, folder: str) -> bool:
    files = metadata.files(distribution) or []
    return any(file.as_posix().startswith((f"{folder}/", f"{folder}.")) for file in files)


def _imported(place: PurePosixPath, tree: ast.AST) -> Iterator[str]:
    """Full names of all modules that are imported anywhere in the tree, by importlib too if the name is written out."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, level=0):
                yield module or ""
            case ast.ImportFrom(module=module, level=level):
                yield ".".join([*place.parts[:-level], *([module] if module else [])])
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


def _may_import(place: PurePosixPath, tree: ast.Module, library: str) -> bool:
    patterns = PLACES[library]
    if any(_matches(place, pattern) for pattern in patterns):
        return True
    return patterns is GRPC_PLACES and _is_entry_point(tree)


def _matches(place: PurePosixPath, pattern: str) -> bool:
    """As a shell's pattern, where * stands for folders too; a pattern without / is a file's name."""
    if "/" not in pattern:
        return place.name == pattern
    head, star, _ = pattern.partition("*")
    return str(place).startswith(head) if star else str(place) == pattern


def _is_entry_point(tree: ast.Module) -> bool:
    """Whether the module is a command: it ends in `if __name__ == "__main__"`."""
    return any(isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'" for node in tree.body)
