"""The language of rules: conditions over features as marketers write them, read into expressions.

    spend_84d > 100 and recency_days <= 7 and main_daypart == "evening"
    spend_84d > top(10%) or percentile(spend_28d / baskets_28d) >= 90
    main_daypart in ["morning", "evening"] and not between(baskets_84d, 2, 5)

There are and, or, not; < <= > >= == != (also in a row: 2 <= baskets_84d < 5); in and not in; + - * /; min, max, abs and
between (both ends belong to it). top(10%) and bottom(10%), compared with a number, are where the highest or lowest 10 %
of the training population begin; percentile(x), compared with 0 to 100, says the same; band(x, 5) is 1 to 5, the fifth
of the training population that x is in, 5 the highest. All of these are fixed when a model is made. feature("7d") names
a feature whose name is no word of the language.

A number that is compared with a feature itself is rounded to float32 first, as the feature was: a share of 0.1 is 0.1.
What is divided by 0 is 0.
"""

import ast
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from training.features import Features, FeatureSpec
from training.segmentations.calls import FUNCTIONS, read_call
from training.segmentations.comparisons import COMPARISONS, compared
from training.segmentations.expressions import (
    LARGEST,
    Arithmetic,
    Connection,
    Constant,
    Feature,
    Negative,
    Not,
    Number,
    Quotient,
    Truth,
)
from training.segmentations.grammar import BadExpression, Line, alike
from training.segmentations.operands import Category, Logical, Numeric, Operand, Population, Word, numeric

_ARITHMETIC: Final[Mapping[type[ast.operator], str]] = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read.

    Attributes:
        text: as it was written.
        truth: what is evaluated.
        thresholds: what was fixed on the training population, in words, such as "top(10%) of spend = 312.5".
        columns: of the features that it reads, ascending.
    """

    text: str
    truth: Truth
    thresholds: tuple[str, ...]
    columns: tuple[int, ...]


def read_condition(text: str, specs: Sequence[FeatureSpec], population: Features | None = None) -> Condition:
    """The condition that a text states.

    Args:
        text: in the language of this module.
        specs: the features, in the order of their columns.
        population: shape (n, len(specs)), n > 0, of which the thresholds of shares and bands are taken. None: the text
            is only checked, and these thresholds are 0.

    Raises:
        BadExpression: it is none.
    """
    return Reader(text, specs, population).condition()


def named(feature: str) -> str:
    """How a feature is called in a condition: by its name, or, where that is no word, in quotes."""
    is_word = feature.isidentifier() and not keyword.iskeyword(feature)
    return feature if is_word else f'feature("{feature}")'


class Reader:
    """One condition, from its text to its expression.

    Attributes:
        line: the text.
        names: of the categories among the features.
        population: whom thresholds are taken of.
        signs: of per cent that stand where one belongs.
    """

    def __init__(self, text: str, specs: Sequence[FeatureSpec], population: Features | None) -> None:
        self.line = Line.of(text)
        self.names = [spec.name for spec in specs if spec.vocabulary]
        self.population = Population(population)
        self.signs: set[int] = set()
        self._specs = {spec.name: (position, spec) for position, spec in enumerate(specs)}
        self._columns: set[int] = set()

    def condition(self) -> Condition:
        """The whole of it."""
        tree = self.line.parse()
        truth = self.truth(tree)
        if loose := self.line.signs - self.signs:
            raise self.line.fault(min(loose), "per cent stand only in top(10%) and bottom(10%); write 0.1 for 10 %")
        if not self._columns:
            raise self.fault(tree, "a condition needs a feature: without one it says the same of everybody")
        return Condition(self.line.text, truth, tuple(self.population.thresholds), tuple(sorted(self._columns)))

    def fault(self, node: ast.expr, text: str) -> BadExpression:
        """An error of a part."""
        return self.line.fault(self.line.column(node.col_offset), text)

    def truth(self, node: ast.expr) -> Truth:
        """A part that has to be a condition."""
        operand = self.read(node)
        if isinstance(operand, Logical):
            return operand.truth
        raise self.fault(node, f"this is {operand.what}; needed is a condition, such as spend > 100")

    def number(self, node: ast.expr) -> Number:
        """A part that has to be a number."""
        operand = self.read(node)
        if isinstance(operand, Numeric):
            return operand.number
        raise self.fault(node, f"this is {operand.what}; needed is a number")

    def read(self, node: ast.expr) -> Operand:  # noqa: PLR0911  # a line for each kind of part
        """A part, whatever it is."""
        match node:
            case ast.Name():
                return self.feature(node, node.id)
            case ast.Constant():
                return self._constant(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._binary(node)
            case ast.BoolOp():
                operator = "And" if isinstance(node.op, ast.And) else "Or"
                return Logical(Connection(operator, tuple(map(self.truth, node.values))))
            case ast.Compare():
                return self._row(node)
            case ast.Call():
                return read_call(self, node)
        known = f"and, or, not, comparisons, in, + - * / and {', '.join(FUNCTIONS)}"
        raise self.fault(node, f"this is no part of the language; there are {known}")

    def feature(self, node: ast.expr, name: str) -> Operand:
        """The feature of this name."""
        if name not in self._specs:
            if name in FUNCTIONS:
                raise self.fault(node, f"{name} is a function: write {FUNCTIONS[name].example}")
            raise self.fault(node, f"there is no feature {name!r}; {alike(name, self._specs, 'the features')}")
        position, spec = self._specs[name]
        self._columns.add(position)
        return Category(spec, Feature(position)) if spec.vocabulary else Numeric(Feature(position))

    def _constant(self, node: ast.Constant) -> Operand:
        if isinstance(node.value, str):
            return Word(node.value)
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.fault(node, f"{self.line.part(node)} is neither a number nor a word in quotes")
        if abs(node.value) > LARGEST:
            raise self.fault(node, f"this number is too large; the largest is {LARGEST:g}")
        return numeric(Constant(float(node.value)))

    def _unary(self, node: ast.UnaryOp) -> Operand:
        if isinstance(node.op, ast.Not):
            return Logical(Not(self.truth(node.operand)))
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise self.fault(node, "write not for the opposite of a condition, and - for that of a number")
        number = self.number(node.operand)
        return Numeric(number) if isinstance(node.op, ast.UAdd) else numeric(Negative(number), number)

    def _binary(self, node: ast.BinOp) -> Operand:
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
            raise self.fault(node, "numbers are joined by + - * /, and conditions by and, or")
        left, right = self.number(node.left), self.number(node.right)
        if not isinstance(node.op, ast.Div):
            return numeric(Arithmetic(_ARITHMETIC[type(node.op)], left, right), left, right)
        if isinstance(right, Constant) and not right.number:
            raise self.fault(node.right, "nothing can be divided by 0")
        return numeric(Quotient(left, right), left, right)

    def _row(self, node: ast.Compare) -> Operand:
        """Comparisons in a row, each of which has to hold."""
        sides = [node.left, *node.comparators]
        parts = [self._pair(*pair) for pair in zip(node.ops, sides, sides[1:], strict=False)]
        return Logical(parts[0] if len(parts) == 1 else Connection("And", tuple(parts)))

    def _pair(self, operator: ast.cmpop, left: ast.expr, right: ast.expr) -> Truth:
        if isinstance(operator, ast.In | ast.NotIn):
            found = self._member(left, right)
            return found if isinstance(operator, ast.In) else Not(found)
        if type(operator) not in COMPARISONS:
            raise self.fault(left, "is compares nothing here: write == for the same, != for another")
        truth = compared(self, COMPARISONS[type(operator)], left, right)
        return Not(truth) if isinstance(operator, ast.NotEq) else truth

    def _member(self, of: ast.expr, words: ast.expr) -> Truth:
        if not isinstance(words, ast.List | ast.Tuple | ast.Set) or not words.elts:
            raise self.fault(words, 'behind in stand words or numbers in brackets, such as ["morning", "evening"]')
        return Connection("Or", tuple(compared(self, "Equal", of, one) for one in words.elts))
