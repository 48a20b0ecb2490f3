"""Lines of keys: found in every form that TOML allows, and not mistaken by what only looks like a key."""

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from training.configuration.configuration import SHIPPED
from training.configuration.lines import KeyPath, Origin, find_lines

TRICKY = '''\
# [comment]
title = "a # b" # name = "no"
"quoted key" = 1
'odd.key' = """
[[outcomes]]
name = "within a text" \\"""
"""   # after it

[data]
path.inner . deep = \'\'\'
label = 3\'\'\'
times = 1979-05-27 07:32:00
list = [ # begins
  "x]", # ]
  [1,
   2],
  { a = 1, "b" = [
      3 ] },
]
inline = { c.d = "}", e = {} }
[[outcomes]]
[[outcomes]]
name = "second"
[outcomes.label]
where = "x"
[[outcomes.steps]]
[[outcomes.steps]]
last = true
'''
EXPECTED = {
    ("title",): 2,
    ("quoted key",): 3,
    ("odd.key",): 4,
    ("data",): 9,
    ("data", "path"): 10,
    ("data", "path", "inner", "deep"): 10,
    ("data", "times"): 12,
    ("data", "list"): 13,
    ("data", "list", 0): 14,
    ("data", "list", 1): 15,
    ("data", "list", 1, 1): 16,
    ("data", "list", 2): 17,
    ("data", "list", 2, "b"): 17,
    ("data", "list", 2, "b", 0): 18,
    ("data", "inline", "c", "d"): 20,
    ("data", "inline", "e"): 20,
    ("outcomes",): 21,
    ("outcomes", 0): 21,
    ("outcomes", 1): 22,
    ("outcomes", 1, "name"): 23,
    ("outcomes", 1, "label"): 24,
    ("outcomes", 1, "label", "where"): 25,
    ("outcomes", 1, "steps", 0): 26,
    ("outcomes", 1, "steps", 1): 27,
    ("outcomes", 1, "steps", 1, "last"): 28,
}
VALUES = (
    "1",
    "-0.5e3",
    "true",
    '"# no comment"',
    "'C:\\path'",
    '"""two\nlines = 1\n"""',
    "'''\n[table]\n'''",
    '"""a ""quote"""""',
    "[1, 2]",
    '[\n  "a", # ] \n  "b",\n]',
    "{ x = 1, y = [ { z = 2 } ] }",
    "2026-10-01T00:00:00Z",
)


def _paths(content: object, path: KeyPath = ()) -> set[KeyPath]:
    """Every key, table and element that the standard library's reader finds."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return {p for key, value in inner for p in ({(*path, key)} | _paths(value, (*path, key)))}


def test_tricky() -> None:
    """Comments, texts over lines, dotted and quoted keys, arrays and tables within one another: each has its line."""
    lines = find_lines(TRICKY)
    assert {path: lines[path] for path in EXPECTED} == EXPECTED


def test_every_key_has_a_line() -> None:
    """What the standard library reads is what has a line, in a file of every form and in those that are shipped."""
    for text in (TRICKY, *(path.read_text(encoding="utf-8") for path in sorted(SHIPPED.glob("*.toml")))):
        assert set(find_lines(text)) == _paths(tomllib.loads(text))


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("key", "table", "array", "blank")), st.sampled_from(VALUES)), max_size=12))
def test_lines_as_written(parts: list[tuple[str, str]]) -> None:
    """The line of each key is the one that it was written on, whatever stands before it."""
    text, tables = "", 0
    base: KeyPath = ()
    path: KeyPath
    expected: dict[KeyPath, int] = {}
    for number, (form, value) in enumerate(parts):
        line = text.count("\n") + 1
        if form == "key":
            path = (*base, f"k{number}")
            text += f"k{number} = {value} # k = 1\n"
        elif form == "table":
            path = base = (f"t{number}",)
            text += f"[t{number}]\n"
        elif form == "array":
            path = base = ("many", tables)
            tables += 1
            text += "[[ many ]]\n"
        else:
            text += "\n \t# [no]\n"
            continue
        expected[path] = line
    lines = find_lines(text)
    assert {path: lines[path] for path in expected} == expected
    assert set(lines) == _paths(tomllib.loads(text))


def test_place() -> None:
    """What has no line, such as the whole file, is named by the file alone."""
    origin = Origin("shop.toml", {("model",): 3})
    assert origin.place(("model",)) == "shop.toml, line 3"
    assert origin.place(()) == "shop.toml"
