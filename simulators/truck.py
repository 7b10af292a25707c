"""A truck: it drives in shifts, less at weekends, and says how it is.

Truth: the odometer in whole metres at every grid instant, even in between; the state from grid instant to grid
instant. Categories are those of the case format, section 4.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from simulators import grid
from simulators.chance import dice, pick
from simulators.device import Device, Identity, Register, Silence
from simulators.span import CATEGORIES, Span, joined, paint

MAX_GAP = timedelta(minutes=15)
SATURDAY, SUNDAY = 5, 6
RUNNING, IDLE, DERATED, FAULT = map(CATEGORIES.index, ("running", "idle", "derated", "fault"))
MICROMILES_NUMERATOR, MICROMILES_DENOMINATOR = 1_000_000_000, 1_609_344


class Stop(NamedTuple):
    """Seconds [start, end) on the grid in which a truck says `category`; it drives only if derated."""

    category: str
    start: int
    end: int


@dataclass(frozen=True)
class Habit:
    """Metres on the odometer at the origin, per cent of the usual distance driven, unit of the display."""

    first_metres: int
    pace: int
    unit: str = "km"


def habit(seed: str, name: str, *, unit: str = "km") -> Habit:
    """Return a truck's habit, which depends on seed and name."""
    first = 80_000_000 + pick(520_000_000, seed, name, "odometer")
    return Habit(first, 62 + pick(50, seed, name, "pace"), unit)


class Truck(Device):
    """A truck with the registers `odometer` (kilometres or miles, whole metres inside) and `state`."""

    registers: tuple[Register, ...] = (
        Register("odometer", "counter", "1 h", unit="km", resolution="1 m", max_rate="150 km/h"),
        Register("state", "state", "15 min"),
    )

    def __init__(
        self,
        identity: Identity,
        origin: date,
        *,
        seed: str,
        zone: ZoneInfo = grid.BERLIN,
        stops: Sequence[Stop] = (),
        silences: Sequence[Silence] = (),
        unit: str = "km",
    ) -> None:
        super().__init__(identity, origin, zone=zone, silences=silences)
        self.seed = seed
        self.habit = habit(seed, identity.name, unit=unit)
        self.stops = tuple(stops)
        self._metres = array("q", [self.habit.first_metres])
        self._states = bytearray()
        self._text: Callable[[str, int, str], str] = miles_text if unit == "mi" else kilometres_text

    def odometer_at(self, at: datetime) -> int:
        """Return the true odometer in whole metres."""
        return self._counter_at(self._metres, at)

    def state_at(self, at: datetime) -> str:
        """Return the true category."""
        return CATEGORIES[self._states[self.slot(grid.floor_second(at))]]

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        """Return the true states over [start, end)."""
        first, last = self.slot(grid.floor_second(start)), self.slot(grid.floor_second(end))
        cursor, runs = self.origin + first * grid.SLOT, []
        for state, slots in groupby(self._states[first : last + 1]):
            until = cursor + sum(1 for _ in slots) * grid.SLOT
            runs.append(Span(CATEGORIES[state], max(grid.instant(cursor), start), min(grid.instant(until), end)))
            cursor = until
        return joined(runs)

    def said(self, start: datetime, end: datetime) -> list[Span]:
        """Return the states over [start, end) as the readings tell: each holds until the next, at most `MAX_GAP`."""
        spans = self.spans(start, end)
        for silence in self.silences:
            heard = grid.instant(silence.start - grid.SLOT)
            back = grid.instant(silence.end)
            lost = min(heard + MAX_GAP, back)
            spans = paint(spans, Span(self.state_at(heard), grid.instant(silence.start), lost))
            spans = paint(spans, Span("unknown", lost, back))
        return spans

    def grid_readings(self, start: int, end: int) -> list[str]:
        """Return odometer and state as JSON text for each grid second in [start, end)."""
        first, last = self.slot(start), self.slot(end)
        words = map(CATEGORIES.__getitem__, self._states[first:last])
        return list(map(self._text, grid.stamps(start, end), self._metres[first:last], words))

    def readings_at(self, second: int) -> str:
        """Return odometer and state as JSON text at any whole second."""
        at = grid.instant(second)
        return self._text(grid.stamp(second), self.odometer_at(at), self.state_at(at))

    def _make_day(self, day: date, start: int, slots: int) -> None:
        numbers = dice(160, self.seed, self.identity.name, day)
        steps, states = [0] * slots, bytearray([IDLE]) * slots
        used = 16
        for first, last in self._legs(day, start, numbers):
            for i in range(first, last):
                steps[i] = (8000 + numbers[used] * 20 + numbers[used + 1] % 20) * self.habit.pace // 100
                states[i] = RUNNING
                used += 2
        for stop in (*_small_troubles(start, numbers), *self.stops):
            _apply(stop, start, steps, states)
        self._states += states
        for step in steps:
            self._metres.append(self._metres[-1] + step)

    def _legs(self, day: date, start: int, numbers: bytes) -> Iterator[tuple[int, int]]:
        """Yield slots [first, last) of driving: two legs of about 4.5 h on weekdays, one on some Saturdays."""
        weekday = day.weekday()
        works = {SATURDAY: 77, SUNDAY: 8}.get(weekday, 246)
        if numbers[0] >= works:
            return
        first = (grid.local(day, 270 + numbers[1] % 23 * 10, self.zone) - start) // grid.SLOT
        last = first + 24 + numbers[2] % 4
        yield first, last
        if weekday < SATURDAY:
            first = last + 5 + numbers[3] % 5
            yield first, first + 18 + numbers[4] % 10


def _small_troubles(start: int, numbers: bytes) -> Iterator[Stop]:
    """Yield what happens by chance on one day in fifty: a fault under an hour, reduced power for up to two hours."""
    if numbers[5] < 5:  # noqa: PLR2004 - of 256
        first = start + (60 + numbers[6] % 60) * grid.SLOT
        yield Stop("fault", first, first + (1 + numbers[7] % 4) * grid.SLOT)
    if numbers[8] < 5:  # noqa: PLR2004 - of 256
        first = start + (40 + numbers[9] % 60) * grid.SLOT
        yield Stop("derated", first, first + (3 + numbers[10] % 10) * grid.SLOT)


def _apply(stop: Stop, start: int, steps: list[int], states: bytearray) -> None:
    state = CATEGORIES.index(stop.category)
    first = max((stop.start - start) // grid.SLOT, 0)
    for i in range(first, min((stop.end - start) // grid.SLOT, len(steps))):
        states[i] = state
        steps[i] = steps[i] // 2 if state == DERATED else 0


def micromiles(metres: int) -> int:
    """Return millionths of a mile, rounded half up; one mile is 1609.344 m."""
    return (2 * metres * MICROMILES_NUMERATOR + MICROMILES_DENOMINATOR) // (2 * MICROMILES_DENOMINATOR)


def kilometres_text(at: str, metres: int, state: str) -> str:
    """Return both readings of a truck that shows kilometres."""
    return (
        f'{{"register":"odometer","at":"{at}","value":"{metres // 1000}.{metres % 1000:03d}","unit":"km"}}'
        f',{{"register":"state","at":"{at}","value":"{state}"}}'
    )


def miles_text(at: str, metres: int, state: str) -> str:
    """Return both readings of a truck that shows miles: with six decimals, the nearest metre is the true one."""
    miles, rest = divmod(micromiles(metres), 1_000_000)
    return (
        f'{{"register":"odometer","at":"{at}","value":"{miles}.{rest:06d}","unit":"mi"}}'
        f',{{"register":"state","at":"{at}","value":"{state}"}}'
    )
