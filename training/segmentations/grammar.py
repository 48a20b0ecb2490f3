"""The text of a condition, and its grammar, which is Python's: nothing of it is ever run."""

import ast
import difflib
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from training.configuration.section import BadConfig

LONGEST: Final = 2000  # characters: a page of rules, and far below where any parser tires
_MOST_PARTS: Final = 400
_DEEPEST: Final = 40
_LISTED: Final = 12  # names that an error lists

_MEANT: Final[Mapping[str, str]] = {
    "=": "==",
    "&&": "and",
    "AND": "and",
    "||": "or",
    "OR": "or",
    "!": "not",
    "NOT": "not",
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
    "IN": "in",
    "“": '"',
    "”": '"',
    "„": '"',
}
_TOKENS = re.compile(r"\"[^\"]*\"|'[^']*'|\d[\w.]*\s*%|\w+|[=<>!&|]+|\S")


class BadExpression(BadConfig):
    """What is written is no condition over these features. The text shows where, and says what would be right."""


@dataclass(frozen=True, slots=True)
class Line:
    """A condition in one line.

    Attributes:
        text: as it was written.
        plain: the same without the signs of per cent, which Python reads otherwise; every character where it was.
        signs: where these stood.
    """

    text: str
    plain: str
    signs: frozenset[int]

    @classmethod
    def of(cls, text: str) -> Self:
        """The line of a text, which may have several."""
        line = re.sub(r"\s", " ", text).strip()
        signs = frozenset(token.end() - 1 for token in _TOKENS.finditer(line) if re.fullmatch(r"\d.*%", token[0]))
        return cls(line, "".join(" " if i in signs else c for i, c in enumerate(line)), signs)

    def column(self, byte: int) -> int:
        """Which character a column of the tree is, where bytes are counted."""
        return len(self.plain.encode()[:byte].decode())

    def part(self, node: ast.expr) -> str:
        """How a part of the condition is written."""
        return self.text[self.column(node.col_offset) : self.column(node.end_col_offset or 0)]

    def sign_after(self, node: ast.expr) -> int | None:
        """Where the sign of per cent behind a number is, None without one."""
        end = self.column(node.end_col_offset or 0)
        place = end + len(self.text[end:]) - len(self.text[end:].lstrip())
        return place if place in self.signs else None

    def fault(self, column: int, text: str) -> BadExpression:
        """An error at a character: the text, then the line with a caret below."""
        return BadExpression(f"{text}\n  {self.text}\n  {' ' * column}^")

    def parse(self) -> ast.expr:
        """The tree of the line, of bounded size.

        Raises:
            BadExpression: it has no grammar, or is too large.
        """
        if not self.text:
            raise BadExpression("a condition is needed, such as spend > 100")
        if len(self.text) > LONGEST:
            raise BadExpression(f"a condition has at most {LONGEST} characters, this one {len(self.text)}; split it")
        for token in _TOKENS.finditer(self.text):
            if token[0] == "#":  # it would hide the rest of a text of several lines
                raise self.fault(token.start(), "# is no part of the language; write remarks beside the condition")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python's compiler, whose advice is for programs
                tree = ast.parse(self.plain, mode="eval").body
        except SyntaxError as error:
            raise self._ungrammatical(error) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise BadExpression(f"this is no condition ({str(error) or 'too deeply nested'}); split it") from None
        _check_size(tree)
        return tree

    def _ungrammatical(self, error: SyntaxError) -> BadExpression:
        for token in _TOKENS.finditer(self.text):
            if token[0] in _MEANT:
                return self.fault(token.start(), f"write {_MEANT[token[0]]} instead of {token[0]}")
        reason = (error.msg or "").split(". ")[0]
        column = min(error.offset - 1, len(self.text)) if error.offset else len(self.text)  # without one: at the end
        return self.fault(column, f"this is not understood: {reason}")


def _check_size(tree: ast.expr) -> None:
    parts: list[tuple[ast.AST, int]] = [(tree, 1)]
    for node, depth in parts:  # it grows while it is read, by what stands in each part
        if len(parts) > _MOST_PARTS or depth > _DEEPEST:
            raise BadExpression("this condition has too many parts, or too many in one another; split it")
        parts += [(inner, depth + 1) for inner in ast.iter_child_nodes(node)]


def check_grammar(text: str) -> None:
    """Whether a text could be a condition, whatever the features are.

    Raises:
        BadExpression: it is none.
    """
    Line.of(text).parse()


def alike(name: str, known: Iterable[str], what: str) -> str:
    """Which of the known names a misspelt one may have meant; where none is near, what there is."""
    names = list(known)
    close = difflib.get_close_matches(name.lower(), names, 3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{what} are {', '.join(names[:_LISTED]) or 'none'}{more}"
