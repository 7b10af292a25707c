"""Uptime bands: what devices said, painted over with what was decided, one row an asset."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Literal, cast

from api.evaluation import Verdict
from api.portal.bill import Bill, lowest_first
from api.portal.format import figure
from api.portal.tongue import mark
from api.visit import Visit
from contracts.document import from_canonical
from contracts.facts import Attribution, Category, StateNeed, StateSpan
from contracts.store import view as contract_view
from contracts.store.view import AttributionView, CoverageView
from contracts.timeline import Painted, paint
from core.time import instant, micros
from ingest.store import view

# Category of time: look, and words for people. The contract decides what counts.
LOOKS = {
    "running": ("up", mark("In service")),
    "idle": ("up", mark("In service")),
    "derated": ("derated", mark("Reduced performance")),
    "fault": ("fault", mark("Our fault")),
    "unplanned_repair": ("fault", mark("Unplanned repair")),
    "planned_maintenance": ("maint", mark("Planned maintenance")),
    "customer_cause": ("cust", mark("Customer-caused")),
    "external": ("ext", mark("Outside both parties")),
    "force_majeure": ("ext", mark("Force majeure")),
    "unknown": ("nodata", mark("No data")),
}
TREATED = {
    "up": mark("counts as up"),
    "down": mark("counts"),
    "exclude": mark("excluded"),
    "measured": mark("counts in part"),
}
IN_PART = mark("%(share)s counts as up")
# Maintenance that no notice covers in time, or beyond the allowance, is down.
ANNOUNCED = mark("excluded if announced in time")
Treatment = tuple[str, str]
NOT_SAID: Treatment = ("", "")
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one category; `left` and `width` in percent of the period."""

    asset: str
    start: datetime
    end: datetime
    category: str
    cause: str
    decided: bool
    left: str
    width: str

    @property
    def look(self) -> str:
        """The class that paints it."""
        return LOOKS[self.category][0]

    @property
    def words(self) -> str:
        """What people call it."""
        return LOOKS[self.category][1]

    @property
    def length(self) -> timedelta:
        """Elapsed time."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Row:
    """An asset's band and what its promise came to."""

    asset: str
    id: str | None
    site: str
    verdict: Verdict
    target: Fraction
    base: list[Stretch]
    events: list[Stretch]

    @property
    def counted(self) -> Fraction | None:
        """Counted availability in percent."""
        return figure(self.verdict.values["availability"]) if "availability" in self.verdict.values else None

    @property
    def raw(self) -> Fraction | None:
        """Time up over all time that was watched, in percent: nothing excluded but silence."""
        known = [one for one in (*self.base, *self.events) if one.category != "unknown"]
        whole = sum((one.length for one in known), timedelta())
        up = sum((one.length for one in known if LOOKS[one.category][0] == "up"), timedelta())
        return Fraction(100 * (up // MICROSECOND), whole // MICROSECOND) if whole else None

    @property
    def left(self) -> Fraction | None:
        """Hours of downtime left before the target is missed, if the rest of the time counts; negative when over."""
        values = self.verdict.values
        if "counted" not in values or "down" not in values:
            return None
        return figure(values["counted"]) * (100 - self.target) / 100 - figure(values["down"])


@dataclass(frozen=True, slots=True)
class Uptime:
    """The bands of some assets; `total` is how many there are, `shown` the first place shown."""

    rows: list[Row]
    total: int
    target: Fraction | None
    legend: list[tuple[str, str, Treatment]]
    days: list[tuple[datetime, str]]


def load(visit: Visit, bill: Bill, *, first: int = 0, most: int = 50) -> Uptime:
    """The bands of a bill's promises, lowest first."""
    promises = lowest_first(bill.promises)
    shown = promises[first : first + most]
    covered = _covered(visit, bill)
    ids = {one.asset: covered[one.asset].asset for one in shown if one.asset in covered}
    painted = _painted(visit, bill, [covered[name] for name in ids])
    assets = view.assets_by_key(visit.connection, ids.values())
    terms = {term["clause"]: term for term in bill.document["terms"]}
    rows = []
    for one in shown:
        asset = assets.get(ids.get(one.asset, 0))
        stretches = painted.get(one.asset, [])
        rows.append(
            Row(
                asset=one.asset,
                id=asset.public_id if asset else None,
                site=asset.site if asset else "",
                verdict=one,
                target=target(terms.get(one.clause, {})),
                base=[x for x in stretches if x.look == "up"],
                events=[x for x in stretches if x.look != "up"],
            )
        )
    return Uptime(rows, len(promises), rows[0].target if rows else None, legend(bill, rows), _days(bill))


def target(term: Mapping[str, Any]) -> Fraction:
    """The share promised, in percent."""
    return figure(term.get("target", "100 %"))


def treatment(bill: Bill, clause: str, category: str) -> Treatment:
    """How the promise counts a category of time, in words, and a share that stands in them."""
    for term in bill.document["terms"]:
        if term["clause"] == clause and "treatments" in term:
            said = term["treatments"].get(category, "")
            if said == "exclude" and category == "planned_maintenance":
                return ANNOUNCED, ""
            return (TREATED[said], "") if said in TREATED else (IN_PART, said)
    return NOT_SAID


def legend(bill: Bill, rows: Iterable[Row]) -> list[tuple[str, str, Treatment]]:
    """Look, words and treatment of what the bands show."""
    found: dict[tuple[str, Treatment], tuple[str, str, Treatment]] = {("up", NOT_SAID): (*LOOKS["running"], NOT_SAID)}
    for row in rows:
        for one in row.events:
            said = treatment(bill, row.verdict.clause, one.category)
            found.setdefault((one.look, said), (one.look, one.words, said))
    return list(found.values())


def events(uptime: Uptime, most: int) -> list[tuple[Row, Stretch]]:
    """The newest stretches that are not in service."""
    found = [(row, one) for row in uptime.rows for one in row.events]
    return sorted(found, key=lambda pair: pair[1].start, reverse=True)[:most]


def _painted(visit: Visit, bill: Bill, covered: Sequence[CoverageView]) -> dict[str, list[Stretch]]:
    until = min(bill.until, bill.end)
    decided: dict[str, list[Attribution]] = defaultdict(list)
    for rule in contract_view.attributions(visit.connection, bill.contract.id, start=bill.start, end=until):
        decided[rule.asset].append(_decision(rule))
    said = _said(visit, bill, [one.name for one in covered], until)
    out = {}
    for one in covered:
        start, end = max(bill.start, one.starts_at or bill.start), min(until, one.ends_at or until)
        window = ((micros(start), micros(end)),) if start < end else ()
        painted = paint(window, said[one.name], [*decided[one.name], *decided[""]], None)
        out[one.name] = [_stretch(bill, one.name, part) for part in _merged(painted)]
    return out


def _said(visit: Visit, bill: Bill, names: Sequence[str], until: datetime) -> dict[str, list[StateSpan]]:
    """What devices said, by asset, as the contract's measures read it."""
    (version,) = from_canonical([dict(bill.document)])
    needs = [
        StateNeed(name, one.register_path or "", micros(bill.start), micros(until), one.max_gap_micros or 0)
        for one in version.measures
        if one.kind == "state_time"
        for name in names
    ]
    found: dict[str, list[StateSpan]] = defaultdict(list)
    for need, spans in zip(needs, view.states(visit.connection, needs, known=bill.known), strict=True):
        found[need.asset] += [StateSpan(one.start, one.end, cast("Category", one.category)) for one in spans]
    return found


def _decision(rule: AttributionView) -> Attribution:
    return Attribution(
        asset=rule.asset,
        start=micros(rule.starts_at),
        end=micros(rule.ends_at),
        category=cast("Category", rule.category),
        party=cast('Literal["provider", "customer", "none"]', rule.party),
        status=cast('Literal["proposed", "accepted", "disputed", "determined"]', rule.status),
        cause=rule.cause,
    )


def _merged(found: Iterable[Painted]) -> list[Painted]:
    """Running and idle look the same, so they are one stretch here."""
    out: list[Painted] = []
    for one in found:
        last = out[-1] if out else None
        if last and last.end == one.start and LOOKS[last.category][0] == LOOKS[one.category][0] == "up":
            out[-1] = last._replace(end=one.end)
        else:
            out.append(one)
    return out


def _covered(visit: Visit, bill: Bill) -> dict[str, CoverageView]:
    found = contract_view.coverage(visit.connection, [bill.contract.id], start=bill.start, end=bill.end)
    return {one.name: one for one in found}


def _stretch(bill: Bill, asset: str, one: Painted) -> Stretch:
    start, end = instant(one.start), instant(one.end)
    left, wide = place(bill, start), width(bill, end - start)
    return Stretch(asset, start, end, one.category, one.cause, one.attributed, left, wide)


def place(bill: Bill, at: datetime) -> str:
    """How far into the period, in percent."""
    return width(bill, at - bill.start)


def width(bill: Bill, length: timedelta) -> str:
    """How much of the period, in percent."""
    return f"{100 * (length / (bill.end - bill.start)):.3f}"


def _days(bill: Bill) -> list[tuple[datetime, str]]:
    step = max(1, round(bill.days / 6))
    days = [bill.start + timedelta(days=n) for n in range(0, bill.days - step // 2, step)]
    return [(at, place(bill, at)) for at in days]
