"""A printer: it prints in office hours, and its ink falls with every page until somebody changes the cartridge.

Truth: pages and ink (hundredths of a millilitre) at every grid instant, even in between.
"""

from array import array
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from simulators import grid
from simulators.chance import dice, pick
from simulators.device import Device, Identity, Register, Silence

SATURDAY, SUNDAY = 5, 6
OPENS, CLOSES, CLOSES_SATURDAY = 450, 1080, 780


class Ink(NamedTuple):
    """A cartridge: hundredths of a millilitre when full, and that one page takes."""

    full: int
    page: int

    def after(self, level: int, pages: int) -> int:
        """Return the level after so many pages; below 6 % of a full one somebody puts in a new cartridge."""
        left = level - pages * self.page
        return self.full if left * 100 < self.full * 6 else left


BLACK, COLOUR = Ink(full=40_000, page=3), Ink(full=30_000, page=2)


class Printer(Device):
    """A printer with the registers `pages`, `ink_black` and `ink_colour`."""

    registers: tuple[Register, ...] = (
        Register("pages", "counter", "1 h", unit="page", resolution="1 page", max_rate="200 page/min"),
        Register("ink_black", "gauge", "1 h", unit="ml", resolution="0.01 ml"),
        Register("ink_colour", "gauge", "1 h", unit="ml", resolution="0.01 ml"),
    )

    def __init__(
        self,
        identity: Identity,
        origin: date,
        *,
        seed: str,
        zone: ZoneInfo = grid.BERLIN,
        silences: Sequence[Silence] = (),
    ) -> None:
        super().__init__(identity, origin, zone=zone, silences=silences)
        self.seed = seed
        name = identity.name
        self.pace = 40 + pick(120, seed, name, "pace")
        self.exchanges: list[tuple[str, datetime]] = []
        self._pages = array("q", [20_000 + pick(900_000, seed, name, "pages")])
        self._black = array("q", [BLACK.full - pick(BLACK.full // 2, seed, name, "black")])
        self._colour = array("q", [COLOUR.full - pick(COLOUR.full // 2, seed, name, "colour")])

    def pages_at(self, at: datetime) -> int:
        """Return the true page counter."""
        return self._counter_at(self._pages, at)

    def ink_at(self, register: str, at: datetime) -> int:
        """Return the true level of `ink_black` or `ink_colour` in hundredths of a millilitre."""
        ink, levels = {"ink_black": (BLACK, self._black), "ink_colour": (COLOUR, self._colour)}[register]
        i = self.slot(grid.floor_second(at))
        return levels[i] - ink.page * (self.pages_at(at) - self._pages[i])

    def grid_readings(self, start: int, end: int) -> list[str]:
        """Return pages and both inks as JSON text for each grid second in [start, end)."""
        first, last = self.slot(start), self.slot(end)
        values = (self._pages[first:last], self._black[first:last], self._colour[first:last])
        return list(map(printer_text, grid.stamps(start, end), *values))

    def readings_at(self, second: int) -> str:
        """Return pages and both inks as JSON text at any whole second."""
        at = grid.instant(second)
        black, colour = self.ink_at("ink_black", at), self.ink_at("ink_colour", at)
        return printer_text(grid.stamp(second), self.pages_at(at), black, colour)

    def _make_day(self, day: date, start: int, slots: int) -> None:
        numbers = dice(slots + 1, self.seed, self.identity.name, day)
        first, last = self._hours(day, start, numbers[slots])
        for i in range(slots):
            printed = (10 + numbers[i] % 60) * self.pace // 100 if first <= i < last else 0
            self._pages.append(self._pages[-1] + printed)
            self._fill("ink_black", BLACK, self._black, printed)
            self._fill("ink_colour", COLOUR, self._colour, printed)

    def _hours(self, day: date, start: int, number: int) -> tuple[int, int]:
        """Return the slots [first, last) in which the office prints: short on some Saturdays, never on Sundays."""
        weekday = day.weekday()
        if weekday == SUNDAY or (weekday == SATURDAY and number >= 64):  # noqa: PLR2004 - of 256
            return 0, 0
        closes = CLOSES_SATURDAY if weekday == SATURDAY else CLOSES
        opens = grid.local(day, OPENS, self.zone)
        return (opens - start) // grid.SLOT, (grid.local(day, closes, self.zone) - start) // grid.SLOT

    def _fill(self, register: str, ink: Ink, levels: "array[int]", printed: int) -> None:
        level = ink.after(levels[-1], printed)
        if level > levels[-1]:
            self.exchanges.append((register, grid.instant(self.origin + len(levels) * grid.SLOT)))
        levels.append(level)


def printer_text(at: str, pages: int, black: int, colour: int) -> str:
    """Return the three readings of a printer."""
    return (
        f'{{"register":"pages","at":"{at}","value":"{pages}","unit":"page"}}'
        f',{{"register":"ink_black","at":"{at}","value":"{black // 100}.{black % 100:02d}","unit":"ml"}}'
        f',{{"register":"ink_colour","at":"{at}","value":"{colour // 100}.{colour % 100:02d}","unit":"ml"}}'
    )
