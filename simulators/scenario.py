"""The demonstration: one provider, three customers, 40 trucks, 12 printers, three whole months and the running one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain, zip_longest
from typing import NamedTuple

from simulators import grid, story
from simulators.device import Device, Identity, Register, Silence
from simulators.printer import Printer
from simulators.span import Span, paint, totals
from simulators.truck import Stop, Truck
from simulators.wire import SLOTS_OF_DAY, Message, history

SEED = "meridian"
MILES = ("NH-23", "NH-24")


class Asset(NamedTuple):
    """What a contract covers, whose it is, and the device that serves it."""

    name: str
    kind: str
    customer: str
    position: str
    device: str


class Notice(NamedTuple):
    """An announcement: what, when it arrived, for which asset, about [start, end). Kinds: case format, section 5."""

    kind: str
    given: datetime
    asset: str
    start: datetime
    end: datetime


class Attribution(NamedTuple):
    """Who caused the stop in [start, end), and how far the parties agree. Words: case format, section 5."""

    asset: str
    start: datetime
    end: datetime
    category: str
    party: str
    cause: str
    status: str


@dataclass(frozen=True)
class Truth:
    """What happened to an asset over [start, end). Times are microseconds by category; a truck has no pages.

    `states` is how it was, `said` what the readings tell (silence makes unknown), `settled` what was said with accepted
    and determined attributions laid over it.
    """

    metres: int | None = None
    pages: int | None = None
    states: dict[str, int] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    settled: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Fleet:
    """A customer's assets: `prefix-01` … of one kind, on one gateway."""

    customer: str
    prefix: str
    count: int
    kind: str
    gateway: str

    def names(self) -> list[str]:
        """Return the assets' names."""
        return [f"{self.prefix}-{n:02d}" for n in range(1, self.count + 1)]


FLEETS = (
    Fleet("Nordhaul Logistics", "NH", 24, "truck", "gw-nordhaul"),
    Fleet("Baltic Freight", "BF", 16, "truck", "gw-baltic"),
    Fleet("Hansa Print", "HP", 12, "printer", "gw-hansa"),
)


@dataclass(frozen=True)
class Scenario:
    """All that a demonstration knows. `months` are [start, end), the last one is running; readings reach `until`."""

    provider: str
    customers: tuple[str, ...]
    partners: tuple[str, ...]
    timezone: str
    months: tuple[tuple[datetime, datetime], ...]
    until: datetime
    assets: tuple[Asset, ...]
    devices: tuple[Device, ...]
    notices: tuple[Notice, ...]
    attributions: tuple[Attribution, ...]

    @property
    def start(self) -> datetime:
        """The first boundary, and the instant of the first readings."""
        return self.months[0][0]

    @property
    def after(self) -> datetime:
        """The end of the late uploads: the grid instant after `until`, whose own readings belong to them."""
        return self.until + timedelta(seconds=grid.SLOT)

    def device(self, asset: str) -> Device:
        """Return the device of an asset. Raises KeyError."""
        return {device.identity.asset: device for device in self.devices}[asset]

    def declarations(self) -> list[dict[str, object]]:
        """Return what an operator registers: each device with model, asset, position and registers."""
        return [_declaration(device) for device in self.devices]

    def history(self, *, per_pack: int = SLOTS_OF_DAY) -> Iterator[Message]:
        """Yield the late uploads of all devices, day by day, so that a receiver sees time move."""
        streams = [history(device, self.start, self.after, per_pack=per_pack) for device in self.devices]
        return (message for row in zip_longest(*streams) for message in row if message is not None)

    def readings(self) -> int:
        """Return how many readings `history` holds."""
        first, last = grid.floor_second(self.start), grid.floor_second(self.after)
        return sum(_slots_sent(device, first, last) * len(device.registers) for device in self.devices)

    def truth(self, asset: str, start: datetime, end: datetime) -> Truth:
        """Return what truly happened over [start, end). Raises KeyError for an asset that is not here."""
        device = self.device(asset)
        if isinstance(device, Printer):
            return Truth(pages=device.pages_at(end) - device.pages_at(start))
        if not isinstance(device, Truck):
            raise TypeError(f"{asset} is served by neither truck nor printer")
        said = device.said(start, end)
        return Truth(
            metres=device.odometer_at(end) - device.odometer_at(start),
            states=totals(device.spans(start, end)),
            said=totals(said),
            settled=totals(self._settle(asset, said)),
        )

    def said(self, asset: str, start: datetime, end: datetime) -> list[Span]:
        """Return a truck's states over [start, end) as its readings tell. Raises KeyError for other assets."""
        device = self.device(asset)
        if not isinstance(device, Truck):
            raise KeyError(f"{asset} has no states")
        return device.said(start, end)

    def _settle(self, asset: str, said: list[Span]) -> list[Span]:
        for claim in self.attributions:
            if claim.asset == asset and claim.status in ("accepted", "determined"):
                said = paint(said, Span(claim.category, claim.start, claim.end))
        return said


def demo(now: datetime) -> Scenario:
    """Return the demonstration as of `now` (UTC, floored to ten minutes). The same `now` gives the same scenario."""
    until = grid.instant(grid.floor_slot(now))
    today = until.astimezone(grid.BERLIN).date()
    calendar = _Calendar(grid.month_first(today, -3))
    devices = tuple(chain.from_iterable(_devices(fleet, calendar, until) for fleet in FLEETS))
    return Scenario(
        provider="Meridian Mobility",
        customers=tuple(fleet.customer for fleet in FLEETS),
        partners=("Torvald Tyre Service",),
        timezone=grid.BERLIN.key,
        months=tuple(calendar.month(n) for n in range(4)),
        until=until,
        assets=tuple(chain.from_iterable(_assets(fleet) for fleet in FLEETS)),
        devices=devices,
        notices=tuple(notice for notice in _notices(calendar) if notice.given <= until),
        attributions=tuple(claim for claim in _attributions(calendar) if claim.end <= until),
    )


@dataclass(frozen=True)
class _Calendar:
    """Turns rows of the story into instants: month 0 begins at `first`."""

    first: date

    def month(self, number: int) -> tuple[datetime, datetime]:
        first, after = (grid.local(grid.month_first(self.first, n), 0, grid.BERLIN) for n in (number, number + 1))
        return grid.instant(first), grid.instant(after)

    def second(self, row: story.Row, clock: str, *, days: int = 0) -> int:
        day = grid.month_first(self.first, row.month) + timedelta(days=row.day - 1 + days)
        hours, minutes = clock.split(":")
        return grid.local(day, int(hours) * 60 + int(minutes), grid.BERLIN)

    def stop(self, row: story.Row) -> Stop:
        start = self.second(row, row.clock)
        return Stop(row.category, start, start + row.minutes * 60)


def _identity(fleet: Fleet, asset: str) -> Identity:
    truck = fleet.kind == "truck"
    name = ("tcu-" if truck else "prt-") + asset.lower()
    return Identity(name, asset, "vehicle" if truck else "printer", "TCU 4" if truck else "PressLink 2", fleet.gateway)


def _assets(fleet: Fleet) -> list[Asset]:
    identities = [_identity(fleet, name) for name in fleet.names()]
    return [Asset(who.asset, fleet.kind, fleet.customer, who.position, who.name) for who in identities]


def _devices(fleet: Fleet, calendar: _Calendar, until: datetime) -> Iterator[Device]:
    for name in fleet.names():
        identity = _identity(fleet, name)
        if fleet.kind == "printer":
            yield Printer(identity, calendar.first, seed=SEED)
        else:
            yield Truck(
                identity,
                calendar.first,
                seed=SEED,
                stops=_stops(name, calendar, until),
                silences=_silences(name, calendar),
                unit="mi" if name in MILES else "km",
            )


def _trucks() -> list[str]:
    return [name for fleet in FLEETS if fleet.kind == "truck" for name in fleet.names()]


def _workshop_visits() -> list[story.Row]:
    return [row for number, asset in enumerate(_trucks()) for row in story.maintenance(number, asset)]


def _claims() -> Sequence[story.Claim]:
    return (*story.CLAIMS, story.FORCE_MAJEURE)


def _stops(asset: str, calendar: _Calendar, until: datetime) -> list[Stop]:
    """Return a truck's stops, workshop visits first, so that what broke down shows where both meet."""
    rows = [*_workshop_visits(), *story.STOPS, *(claim.row for claim in _claims())]
    stops = [calendar.stop(row) for row in rows if row.asset == asset]
    if asset == story.STOPPED_NOW:
        start = grid.floor_slot(until) - story.STOPPED_NOW_SINCE * 60
        stops.append(Stop("fault", start, start + story.STOPPED_NOW_FOR * 60))
    return stops


def _silences(asset: str, calendar: _Calendar) -> list[Silence]:
    if asset not in story.SILENT_TRUCKS:
        return []
    stop = calendar.stop(story.SILENT_FROM)
    return [Silence(stop.start, stop.end)]


def _notices(calendar: _Calendar) -> Iterator[Notice]:
    for row in _workshop_visits():
        stop = calendar.stop(row)
        given = calendar.second(row, "09:00", days=-story.ANNOUNCED_AHEAD)
        yield Notice(row.category, grid.instant(given), row.asset, *map(grid.instant, stop[1:]))
    row = story.FORCE_MAJEURE.row
    given = calendar.second(row, story.FORCE_MAJEURE_TOLD)
    yield Notice("force_majeure", grid.instant(given), row.asset, *map(grid.instant, calendar.stop(row)[1:]))


def _attributions(calendar: _Calendar) -> Iterator[Attribution]:
    for claim in _claims():
        start, end = map(grid.instant, calendar.stop(claim.row)[1:])
        yield Attribution(claim.row.asset, start, end, claim.category, claim.party, claim.cause, claim.status)


def _slots_sent(device: Device, first: int, last: int) -> int:
    silent = sum(max(min(s.end, last) - max(s.start, first), 0) for s in device.silences)
    return (last - first - silent) // grid.SLOT


def _declaration(device: Device) -> dict[str, object]:
    who = device.identity
    return {
        "device": who.name,
        "model": who.model,
        "asset": who.asset,
        "position": who.position,
        "registers": [_register(register) for register in device.registers],
    }


def _register(register: Register) -> dict[str, str]:
    fields = {
        "register": register.name,
        "kind": register.kind,
        "unit": register.unit,
        "resolution": register.resolution,
        "max_gap": register.max_gap,
        "max_rate": register.max_rate,
    }
    return {name: value for name, value in fields.items() if value is not None}
