"""The keys that training reads of a configuration, found in its source, and those that the guide documents."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from training.judging.gates import GATES

_ROOT: Final = Path(__file__).parents[2]
_GUIDE: Final = _ROOT / "docs" / "configuration.md"
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*")
_READERS: Final = frozenset({
    "choice", "has", "is_table", "label", "moment_ms", "number", "table", "tables", "text", "texts", "truth", "whole",
    "wholes",
})  # fmt: skip
_OTHER_FILES: Final = _ROOT / "training" / "imports"  # reads configurations of its own, which docs/import.md explains

# Keys whose names the source puts together, or takes from a tuple.
_COMPUTED: Final[Mapping[str, frozenset[str]]] = {
    "configuration/configuration.py": frozenset({"model", "data", "dates"}),
    "segmentations/rules_order.py": frozenset(
        {"at_risk_days", "lapsed_days", "at_risk_gaps", "lapsed_gaps", "recency", "frequency", "money"}
    ),
    "judging/order.py": frozenset(GATES),
}


@cache
def read_keys() -> dict[str, set[str]]:
    """What each module of training asks a Section for, by its path within training/.

    Modules that ask for nothing are left out. A key is the text in section.number("key"), or in a function of the
    module's own that is given the section first: _share(section, "key").
    """
    found = {}
    for path in sorted((_ROOT / "training").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "import" not in source or "Section" not in source or _OTHER_FILES in path.parents:
            continue
        name = path.relative_to(_ROOT / "training").as_posix()
        keys = set(_keys(ast.parse(source))) | _COMPUTED.get(name, frozenset())
        if keys and name != "configuration/section.py":
            found[name] = keys
    return found


def _keys(tree: ast.Module) -> Iterator[str]:
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        sections = {one.arg for one in function.args.args if _is_section(one.annotation)}
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            is_reader = isinstance(call.func, ast.Attribute) and call.func.attr in _READERS
            first = call.args[0] if call.args else None
            is_given = isinstance(call.func, ast.Name) and isinstance(first, ast.Name) and first.id in sections
            if texts and (is_reader or is_given) and _KEY.fullmatch(texts[0]):
                yield texts[0]


def _is_section(annotation: ast.expr | None) -> bool:
    return annotation is not None and "Section" in ast.unparse(annotation)


@cache
def documented_keys() -> dict[str, dict[str, list[str]]]:
    """The keys in the tables of the guide by the heading that they stand under, each with the other cells of its row.

    These are the type, the default, the meaning and an example; of gates what they are of, and an example.
    """
    found: dict[str, dict[str, list[str]]] = {}
    heading = ""
    for line in _GUIDE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").replace("`", "")
        elif line.startswith("| `"):
            key, *others = line.strip("| ").split(" | ")
            found.setdefault(heading, {})[key.strip("`")] = others
    return found
