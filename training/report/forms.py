"""Numbers as people read them. Each form turns nothing, None, into a dash."""

import math
from datetime import UTC, datetime

NOTHING = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
_PLAIN_LOW, _PLAIN_HIGH = 1e-3, 1e4  # between them a number stands without a power of ten or separators
_LAST_DAY_MS = 253_402_300_799_000  # the end of the year 9999
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = "\N{MINUS SIGN}"


def count(value: float | None) -> str:
    """A whole number: 12,345."""
    return NOTHING if value is None else _minus(f"{value:,.0f}")


def number(value: float | None, digits: int = 3) -> str:
    """At most three significant digits: 0.927, 12.3, 0.5, 12,345, and powers of ten beyond."""
    if value is None:
        return NOTHING
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e15 or size < _PLAIN_LOW:  # noqa: PLR2004  # beyond it, nobody counts zeros
        mantissa, exponent = f"{value:.1e}".split("e")
        return _minus(f"{mantissa} {TIMES} 10") + str(int(exponent)).translate(_SUPERSCRIPTS)
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= _PLAIN_HIGH or abs(rounded) >= 10**digits:
        return _minus(f"{value:,.0f}")
    return _minus(f"{rounded:.{digits}g}")


def decimals(value: float | None, largest: float) -> str:
    """As many decimals as show three digits of the largest of a column, so that its numbers stand below each other."""
    if value is None:
        return NOTHING
    places = 3 if largest <= 0 else min(max(2 - math.floor(math.log10(largest)), 0), 6)
    text = f"{value:,.{places}f}"
    return _minus(text if text.strip("-0.,") else text.removeprefix("-"))


def percent(value: float | None) -> str:
    """A share as a percentage: 34.2%, 4.7%, 0.31%; what is more than nothing never reads as 0%."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0%"
    per_cent = 100 * value
    size = abs(per_cent)
    if size < 0.01:  # noqa: PLR2004  # the smallest that two decimals show
        return "<0.01%" if value > 0 else f">{_MINUS}0.01%"
    if size < 1:
        return _minus(f"{per_cent:.2f}%")
    return _minus(f"{per_cent:,.1f}%")


def short_percent(value: float | None) -> str:
    """A share as a whole percentage, as on an axis or in a cell of a table: 34%."""
    if value is None:
        return NOTHING
    per_cent = 100 * value
    if 0 < abs(per_cent) < 1:
        return f"{per_cent:.1f}%" if abs(per_cent) >= 0.1 else "<0.1%"  # noqa: PLR2004  # what one decimal shows
    return _minus(f"{per_cent:,.0f}%")


def times(value: float | None) -> str:
    """A multiple: 4.72 times."""
    return NOTHING if value is None else f"{number(value)}{TIMES}"


def effect(value: float | None) -> str:
    """A difference in standard deviations, with its sign: +0.42."""
    return NOTHING if value is None else _minus(f"{value:+.2f}")


def signed(value: float | None) -> str:
    """A difference with its sign: +0.42."""
    if value is None:
        return NOTHING
    text = number(value, 2)
    return f"+{text}" if value > 0 else text


def measure(value: float | None, unit: str = "") -> str:
    """A quantity with its unit: 12.3 days, 34.2% of a share."""
    if value is None:
        return NOTHING
    if unit in {"share", "probability", "rate"}:
        return percent(value)
    text = count(value) if abs(value) >= 1000 else number(value)  # noqa: PLR2004  # where separators begin
    return f"{text} {unit}" if unit else text


def seconds(value: float | None) -> str:
    """A duration: 0.42 s, 12 s, 3 min."""
    if value is None:
        return NOTHING
    if value >= 120:  # noqa: PLR2004  # two minutes read better as such
        return f"{value / 60:,.0f} min"
    return f"{number(value, 2)} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004  # two significant digits


def date(milliseconds: float | None) -> str:
    """The day, in UTC, of a moment in milliseconds since 1970: 1 October 2026."""
    moment = _moment(milliseconds)
    return NOTHING if moment is None else f"{moment.day} {moment:%B %Y}"


def moment(milliseconds: float | None) -> str:
    """The minute, in UTC, of a moment in milliseconds since 1970: 1 October 2026, 12:30 UTC."""
    found = _moment(milliseconds)
    return NOTHING if found is None else f"{found.day} {found:%B %Y, %H:%M} UTC"


def _moment(milliseconds: float | None) -> datetime | None:
    if not milliseconds or not 0 < milliseconds < _LAST_DAY_MS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def words(name: str) -> str:
    """A name of the file as a phrase: average_precision becomes "Average precision"."""
    return sentence(name.replace("_", " ").strip())


def sentence(text: str) -> str:
    """A phrase with a capital letter."""
    return text[:1].upper() + text[1:]


def _minus(text: str) -> str:
    return text.replace("-", _MINUS)
