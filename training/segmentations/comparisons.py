"""What is compared with what: numbers with numbers, categories with words, numbers with places in the population."""

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from training.segmentations.expressions import Comparison, Constant, Feature, Number, Truth
from training.segmentations.grammar import alike
from training.segmentations.operands import Category, Numeric, Operand, Percentile, Share, Word

if TYPE_CHECKING:
    from training.segmentations.language import Reader

COMPARISONS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Lt: "Less",
    ast.LtE: "LessOrEqual",
    ast.Gt: "Greater",
    ast.GtE: "GreaterOrEqual",
    ast.Eq: "Equal",
    ast.NotEq: "Equal",  # and then the opposite
}
_LARGEST_FLOAT32: Final = float(np.finfo(np.float32).max)
_HUNDRED: Final = 100.0

_Side = tuple[ast.expr, Operand]


def compared(reader: "Reader", operator: str, left_node: ast.expr, right_node: ast.expr) -> Truth:
    """Whether one part stands so to another.

    Args:
        reader: of the condition.
        operator: of COMPARISONS.
        left_node: the one.
        right_node: the other.

    Raises:
        BadExpression: they cannot be compared, or not so.
    """
    left, right = reader.read(left_node), reader.read(right_node)
    if isinstance(left, Word):
        return _word(reader, operator, (right_node, right), (left_node, left))
    if isinstance(left, Category) or isinstance(right, Category | Word):
        flipped = isinstance(right, Category) and not isinstance(left, Category)
        sides = (left_node, left), (right_node, right)
        return _word(reader, operator, *(sides[::-1] if flipped else sides))
    if isinstance(left, Share | Percentile):
        one, other = _place(reader, operator, (left_node, left), (right_node, right))
        return Comparison(operator, one, other)
    if isinstance(right, Share | Percentile):
        one, other = _place(reader, operator, (right_node, right), (left_node, left))
        return Comparison(operator, other, one)
    x, y = _number(reader, left_node, left), _number(reader, right_node, right)
    return Comparison(operator, _as_compared(x, y), _as_compared(y, x))


def _number(reader: "Reader", node: ast.expr, operand: Operand) -> Number:
    if isinstance(operand, Numeric):
        return operand.number
    raise reader.fault(node, f"this is {operand.what}; needed is a number")


def _as_compared(number: Number, other: Number) -> Number:
    """A constant as it is compared with a feature: rounded as that was."""
    if isinstance(number, Constant) and isinstance(other, Feature) and abs(number.number) <= _LARGEST_FLOAT32:
        return Constant(float(np.float32(number.number)))
    return number


def _word(reader: "Reader", operator: str, left: _Side, right: _Side) -> Truth:
    (node, category), (word_node, word) = left, right
    if not isinstance(category, Category):
        advice = f"the categories are {', '.join(reader.names)}" if reader.names else "and there is none here"
        raise reader.fault(node, f"this is {category.what}; only a category can be compared with a word; {advice}")
    spec = category.spec
    if not isinstance(word, Word):
        example = f'{spec.name} == "{spec.vocabulary[0]}"'
        raise reader.fault(word_node, f"{spec.name} is a category, to be compared with a word: {example}")
    if operator != "Equal":
        raise reader.fault(node, f"words have no order: compare {spec.name} by ==, != or in")
    if word.text not in spec.vocabulary:
        advice = alike(word.text, spec.vocabulary, "its words")
        raise reader.fault(word_node, f"{spec.name} has no word {word.text!r}; {advice}")
    return Comparison("Equal", category.column, Constant(float(spec.vocabulary.index(word.text))))


def _place(reader: "Reader", operator: str, place: _Side, other: _Side) -> tuple[Number, Number]:
    """A place in the population and what it is compared with, as numbers: one a threshold, the other what it is of."""
    (node, rank), (other_node, given) = place, other
    number = _number(reader, other_node, given)
    if operator == "Equal":
        raise reader.fault(node, "a place in the population is compared by <, <=, > or >=")
    if isinstance(rank, Share):
        of = f"{rank.text} of {reader.line.part(other_node)}"
        return reader.population.quantile(number, rank.share, of), number
    if not isinstance(rank, Percentile) or not isinstance(number, Constant) or not 0 <= number.number <= _HUNDRED:
        raise reader.fault(other_node, "a percentile is compared with a number from 0 to 100")
    of = f"percentile {number.number:g} of {rank.text}"
    return rank.of, reader.population.quantile(rank.of, number.number / _HUNDRED, of)
