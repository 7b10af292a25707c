"""Geometry of charts drawn on the server, in percent of the plot: one answer fits every width.

Shapes go into an SVG that stretches; text stays HTML and never does. Numbers here are places on a screen, not money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from api.portal.forecast import Range

NICE = (Fraction(1), Fraction(2), Fraction(5, 2), Fraction(5), Fraction(10))
Point = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on the y axis and its place from the top, in percent."""

    value: Fraction
    y: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's bar: place, width and height in percent; None where nothing is known yet. expected: its height then."""

    x: str
    width: str
    centre: str
    height: str | None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Daily:
    """Bars of a period, the step line of the period before, and the band of what is expected."""

    ticks: list[Tick]
    bars: list[Bar]
    before: str
    band: str = ""


@dataclass(frozen=True, slots=True)
class Cumulative:
    """The running sum of a period up to now, with the area under it, and of the period before."""

    ticks: list[Tick]
    line: str
    area: str
    before: str
    now: tuple[str, str]
    fan: str = ""
    middle: str = ""


def percent(value: Fraction) -> str:
    """Two decimals, for a style attribute or a path."""
    return f"{float(value):.2f}"


def axis(highest: Fraction, count: int = 5) -> list[Fraction]:
    """Round steps from zero to at least `highest`; one step of 1 if there is nothing to show."""
    if highest <= 0:
        return [Fraction(0), Fraction(1)]
    raw = highest / count
    magnitude = Fraction(1)
    while magnitude * 10 <= raw:
        magnitude *= 10
    while magnitude > raw:
        magnitude /= 10
    step = next(nice * magnitude for nice in NICE if nice * magnitude >= raw)
    return [step * n for n in range(-(-highest // step) + 1)]


def path(points: Sequence[Point], *, close: bool = False) -> str:
    """An SVG path through points of percent."""
    if not points:
        return ""
    return "M" + "L".join(f"{percent(x)} {percent(y)}" for x, y in points) + ("Z" if close else "")


def daily(measured: Sequence[Fraction | None], before: Sequence[Fraction], expected: Sequence[Range] = ()) -> Daily:
    """One bar a day, None for days to come; `before` may have more or fewer days; `expected` are the last ones."""
    known = [value for value in measured if value is not None]
    steps = axis(max([*known, *before, *(one.high for one in expected)], default=Fraction(0)))
    top, count = steps[-1], len(measured)
    first, line = count - len(expected), _steps(before[:count], top, count=count)
    bars = [
        Bar(
            x=percent(Fraction(100 * n, count)),
            width=percent(Fraction(100, count)),
            centre=percent(Fraction(100 * (2 * n + 1), 2 * count)),
            height=None if value is None else percent(100 * value / top),
            expected=percent(100 * expected[n - first].mid / top) if n >= first else None,
        )
        for n, value in enumerate(measured)
    ]
    low = _steps([one.low for one in expected], top, count=count, first=first)
    high = _steps([one.high for one in expected], top, count=count, first=first)
    return Daily(_ticks(steps), bars, path(line), path([*high, *reversed(low)], close=True))


def _steps(values: Sequence[Fraction], top: Fraction, *, count: int, first: int = 0) -> list[Point]:
    """A step for each of `count` days, from the `first` on."""
    return [(Fraction(100 * at, count), _y(value, top)) for n, value in enumerate(values, first) for at in (n, n + 1)]


def cumulative(
    measured: Sequence[Fraction | None],
    before: Sequence[Fraction],
    elapsed: Fraction,
    *,
    expected: Sequence[Range] = (),
) -> Cumulative:
    """Running sums. elapsed: the part of the period that is over, where the line ends; expected: sums from today on."""
    known = [value for value in measured if value is not None]
    sums, earlier = [Fraction(0), *accumulate(known)], [Fraction(0), *accumulate(before)]
    highest = max(sums[-1], earlier[-1], *(one.high for one in expected[-1:]))
    steps, count = axis(highest), len(measured)
    top, end = steps[-1], 100 * elapsed
    line = [(min(Fraction(100 * n, count), end), _y(value, top)) for n, value in enumerate(sums)]
    shadow = [(Fraction(100 * n, max(1, len(before))), _y(value, top)) for n, value in enumerate(earlier)]
    floor = [(line[-1][0], Fraction(100)), (Fraction(0), Fraction(100))]
    return Cumulative(
        ticks=_ticks(steps),
        line=path(line),
        area=path([*line, *floor], close=True),
        before=path(shadow) if before else "",
        now=(percent(line[-1][0]), percent(line[-1][1])),
        fan=path(
            [line[-1], *_ends(expected, "high", top, count), *reversed(_ends(expected, "low", top, count))], close=True
        )
        if expected
        else "",
        middle=path([line[-1], *_ends(expected, "mid", top, count)]) if expected else "",
    )


def _ends(sums: Sequence[Range], which: str, top: Fraction, count: int) -> list[Point]:
    """Where the last days of a period end."""
    first = count - len(sums) + 1
    return [(Fraction(100 * n, count), _y(getattr(one, which), top)) for n, one in enumerate(sums, first)]


def _y(value: Fraction, top: Fraction) -> Fraction:
    return 100 - 100 * value / top


def _ticks(steps: Sequence[Fraction]) -> list[Tick]:
    return [Tick(value, percent(_y(value, steps[-1]))) for value in steps]
